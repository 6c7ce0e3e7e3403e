/**
 * What watchers of a multi-version store were told, against what a watch promises:
 *
 * ordered      revisions never go back on one watch
 * unique       no event comes twice on one watch
 * atomic       all events of one revision come in one response
 * filtered     only keys of the watched range, and no revision before the start
 * reliable     no event between the first and the last one is missing
 * resumable    from the start revision on, the first is there, too
 * bookmarkable after a progress notice of revision r nothing up to r comes, and nothing up to r is missing
 * consistent   all watchers are told the same of one revision and key, and what writers were answered
 * versioned    version and create revision of a key go on from event to event
 */
import type { WatchEvent, WatchLine } from './watch-lines.js'

export type WatchRule =
  | 'ordered'
  | 'unique'
  | 'atomic'
  | 'filtered'
  | 'reliable'
  | 'resumable'
  | 'bookmarkable'
  | 'consistent'
  | 'versioned'

export interface WatchViolation {
  readonly rule: WatchRule
  readonly watch: string
  /** Where it shows, from 1; null where something is missing. */
  readonly line: number | null
  readonly message: string
}

export interface WatchResult {
  readonly verdict: 'ok' | 'violation'
  readonly watches: number
  readonly events: number
  readonly violations: readonly WatchViolation[]
}

interface Delivered extends WatchEvent {
  readonly line: number
}

interface Watch {
  readonly name: string
  readonly start: number | null
  readonly key: string
  readonly end: string | null
  readonly delivered: Delivered[]
  readonly responses: {
    readonly line: number
    readonly events: readonly WatchEvent[]
    readonly fragment: boolean
  }[]
  readonly notices: { readonly line: number; readonly revision: number; readonly after: number }[]
  /** Every response and notice, in order: up to which revision it is complete. */
  covered: number
}

export function checkWatches(lines: readonly WatchLine[]): WatchResult {
  const watches = gather(lines)
  const violations: WatchViolation[] = []
  const known = knownEvents(lines, watches, violations)
  for (const watch of watches) {
    inOrder(watch, violations)
    inOneResponse(watch, violations)
    inRange(watch, violations)
    bookmarks(watch, violations)
    complete(watch, known, violations)
    versions(watch, violations)
  }
  const events = watches.reduce((sum, watch) => sum + watch.delivered.length, 0)
  const verdict = violations.length === 0 ? 'ok' : 'violation'
  return { verdict, watches: watches.length, events, violations }
}

function gather(lines: readonly WatchLine[]): Watch[] {
  const byName = new Map<string, Watch>()
  for (const line of lines) {
    if (line.type === 'write') continue
    if (line.type === 'start') {
      byName.set(line.watch, {
        name: line.watch,
        start: line.revision,
        key: line.key,
        end: line.end,
        delivered: [],
        responses: [],
        notices: [],
        covered: 0,
      })
      continue
    }
    const watch = byName.get(line.watch)
    if (watch === undefined) continue
    if (line.type === 'progress') {
      watch.notices.push({
        line: line.line,
        revision: line.revision,
        after: watch.delivered.length,
      })
      watch.covered = Math.max(watch.covered, line.revision)
      continue
    }
    watch.responses.push({ line: line.line, events: line.events, fragment: line.fragment })
    for (const event of line.events) {
      watch.delivered.push({ ...event, line: line.line })
      watch.covered = Math.max(watch.covered, event.revision)
    }
  }
  return [...byName.values()]
}

/** By revision and key: what writers were answered and what any watcher was told. */
function knownEvents(
  lines: readonly WatchLine[],
  watches: readonly Watch[],
  violations: WatchViolation[],
): WatchEvent[] {
  const known = new Map<string, WatchEvent>()
  const learn = (event: WatchEvent, watch: string, line: number) => {
    const name = nameOf(event)
    const other = known.get(name)
    if (other === undefined) known.set(name, event)
    else if (other.type !== event.type || other.value !== event.value)
      violations.push({
        rule: 'consistent',
        watch,
        line,
        message: `${show(event)}, but elsewhere it was ${show(other)}`,
      })
  }
  for (const line of lines)
    if (line.type === 'write') for (const event of line.events) learn(event, 'a write', line.line)
  for (const watch of watches)
    for (const event of watch.delivered) learn(event, watch.name, event.line)
  return [...known.values()].sort((a, b) => a.revision - b.revision)
}

function inOrder(watch: Watch, violations: WatchViolation[]): void {
  const seen = new Set<string>()
  let latest = 0
  for (const event of watch.delivered) {
    const say = (rule: WatchRule, message: string) =>
      violations.push({ rule, watch: watch.name, line: event.line, message })
    if (event.revision < latest) say('ordered', `${show(event)} came after revision ${latest}`)
    if (seen.has(nameOf(event))) say('unique', `${show(event)} came twice`)
    seen.add(nameOf(event))
    latest = Math.max(latest, event.revision)
  }
}

/** Fragments of one response count as one. */
function inOneResponse(watch: Watch, violations: WatchViolation[]): void {
  const last = new Map<number, number>()
  let group = 0
  for (const response of watch.responses) {
    for (const { revision } of response.events) {
      const before = last.get(revision)
      if (before !== undefined && before !== group)
        violations.push({
          rule: 'atomic',
          watch: watch.name,
          line: response.line,
          message: `events of revision ${revision} came in more than one response`,
        })
      last.set(revision, group)
    }
    if (!response.fragment) group++
  }
}

function inRange(watch: Watch, violations: WatchViolation[]): void {
  for (const event of watch.delivered) {
    const say = (message: string) =>
      violations.push({ rule: 'filtered', watch: watch.name, line: event.line, message })
    if (!covers(watch, event.key)) say(`${show(event)} is of a key that is not watched`)
    if (watch.start !== null && event.revision < watch.start)
      say(`${show(event)} is before the start at revision ${watch.start}`)
  }
}

function bookmarks(watch: Watch, violations: WatchViolation[]): void {
  for (const notice of watch.notices) {
    const late = watch.delivered.find(
      (event, i) => i >= notice.after && event.revision <= notice.revision,
    )
    if (late !== undefined)
      violations.push({
        rule: 'bookmarkable',
        watch: watch.name,
        line: late.line,
        message: `${show(late)} came after a progress notice of revision ${notice.revision} in line ${notice.line}`,
      })
  }
}

/** Between the start, or the first event of a watch that starts now, and the last word nothing is missing. */
function complete(watch: Watch, known: readonly WatchEvent[], violations: WatchViolation[]): void {
  const told = new Set(watch.delivered.map(nameOf))
  const firstTold = watch.delivered[0]?.revision
  const lastTold = watch.delivered.reduce((last, { revision }) => Math.max(last, revision), 0)
  const from = watch.start ?? firstTold ?? Number.POSITIVE_INFINITY
  for (const event of known) {
    if (event.revision < from || event.revision > watch.covered) continue
    if (!covers(watch, event.key) || told.has(nameOf(event))) continue
    const rule =
      event.revision > lastTold
        ? 'bookmarkable'
        : firstTold !== undefined && event.revision < firstTold
          ? 'resumable'
          : 'reliable'
    violations.push({ rule, watch: watch.name, line: null, message: `${show(event)} never came` })
  }
}

/** A put of version 1 makes a key; each further one adds one to the version and keeps the create revision. */
function versions(watch: Watch, violations: WatchViolation[]): void {
  const before = new Map<string, WatchEvent>()
  for (const event of watch.delivered) {
    const old = before.get(event.key)
    before.set(event.key, event)
    if (event.type !== 'put' || event.version === null) continue
    const say = (message: string) =>
      violations.push({ rule: 'versioned', watch: watch.name, line: event.line, message })
    if (event.version === 1 && event.create !== null && event.create !== event.revision)
      say(`${show(event)} has version 1, but create revision ${event.create}`)
    if (old === undefined || (old.type === 'put' && old.version === null)) continue
    const expected = old.type === 'delete' ? 1 : (old.version ?? 0) + 1
    if (event.version !== expected)
      say(`${show(event)} has version ${event.version}, expected ${expected}`)
    if (
      old.type === 'put' &&
      old.create !== null &&
      event.create !== null &&
      event.create !== old.create
    )
      say(`${show(event)} has create revision ${event.create}, before it was ${old.create}`)
  }
}

function covers({ key, end }: Watch, candidate: string): boolean {
  if (end === null) return candidate === key
  return candidate >= key && (end === '' || candidate < end)
}

function nameOf({ revision, key }: WatchEvent): string {
  return `${revision} ${key}`
}

function show({ type, key, value, revision }: WatchEvent): string {
  return `${type} ${key}${value === null ? '' : ` ${value}`} at revision ${revision}`
}
