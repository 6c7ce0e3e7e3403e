/** Watch histories as text: one JSON object a line. */
import { HistoryError } from './history.js'
import { encodeValue, isList, isRecord, showValue, type Value } from './value.js'

export interface WatchEvent {
  readonly type: 'put' | 'delete'
  readonly key: string
  /** As encoded text; null for a delete. */
  readonly value: string | null
  /** The revision that made it. */
  readonly revision: number
  readonly version: number | null
  readonly create: number | null
}

interface OfWatch {
  readonly watch: string
  readonly line: number
}

export type WatchLine =
  /** `revision`: the first that is asked for; null, from now on. `end` null: one key; empty: all keys from `key`. */
  | (OfWatch & {
      readonly type: 'start'
      readonly key: string
      readonly end: string | null
      readonly revision: number | null
    })
  | (OfWatch & {
      readonly type: 'events'
      readonly events: readonly WatchEvent[]
      /** More of the same response follows. */
      readonly fragment: boolean
    })
  | (OfWatch & { readonly type: 'progress'; readonly revision: number })
  /** What is known to have happened, from the answers of writers. */
  | { readonly type: 'write'; readonly line: number; readonly events: readonly WatchEvent[] }

/** Throws a HistoryError that names the line. */
export function readWatchHistory(text: string): WatchLine[] {
  const started = new Set<string>()
  return text.split(/\r?\n/).flatMap((raw, i) => {
    const source = raw.replace(/^\uFEFF/, '').trim()
    if (source === '') return []
    const line = i + 1
    let fields: Value
    try {
      fields = JSON.parse(source) as Value
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new HistoryError(`expected one JSON object a line: ${why}`, line)
    }
    if (!isRecord(fields)) throw new HistoryError('expected a JSON object', line)
    const read = lineOf(fields, line)
    if (read.type === 'start') {
      if (started.has(read.watch))
        throw new HistoryError(`watch ${read.watch} starts twice: name a resumed watch anew`, line)
      started.add(read.watch)
    } else if (read.type !== 'write' && !started.has(read.watch))
      throw new HistoryError(`watch ${read.watch} has not started`, line)
    return [read]
  })
}

type Fields = { readonly [name: string]: Value }

function lineOf(fields: Fields, line: number): WatchLine {
  const { type } = fields
  if (type === 'write') return { type, line, events: eventsOf(fields, line) }
  const { watch } = fields
  if (typeof watch !== 'string' && typeof watch !== 'number')
    throw expected('watch to name the watch', watch, line)
  const head = { watch: String(watch), line }
  switch (type) {
    case 'start': {
      const { key, end, revision } = fields
      if (typeof key !== 'string') throw expected('key to be a text', key, line)
      if (end !== undefined && typeof end !== 'string')
        throw expected('end to be a text', end, line)
      const from =
        revision === undefined || revision === 0 ? null : wholeOf('revision', fields, line)
      return { ...head, type, key, end: end ?? null, revision: from }
    }
    case 'events':
      return { ...head, type, events: eventsOf(fields, line), fragment: fields.fragment === true }
    case 'progress':
      return { ...head, type, revision: wholeOf('revision', fields, line) }
    default:
      throw expected('type to be start, events, progress or write', type, line)
  }
}

function eventsOf(fields: Fields, line: number): WatchEvent[] {
  const { events } = fields
  if (!isList(events)) throw expected('events to be a list', events, line)
  return events.map((event) => {
    if (!isRecord(event)) throw expected('an event to be an object', event, line)
    const { type, key, value } = event
    if (type !== 'put' && type !== 'delete')
      throw expected('the type of an event to be put or delete', type, line)
    if (typeof key !== 'string') throw expected('the key of an event to be a text', key, line)
    return {
      type,
      key,
      value: type === 'delete' ? null : encodeValue(value ?? null),
      revision: wholeOf('mod', event, line),
      version: event.version === undefined ? null : wholeOf('version', event, line),
      create: event.create === undefined ? null : wholeOf('create', event, line),
    }
  })
}

function wholeOf(name: string, fields: Fields, line: number): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw expected(`${name} to be a whole number`, value, line)
  return value
}

function expected(what: string, found: Value | undefined, line: number): HistoryError {
  return new HistoryError(
    `expected ${what}, found ${found === undefined ? 'none' : showValue(found)}`,
    line,
  )
}
