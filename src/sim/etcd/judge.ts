/**
 * What clients were answered, against the changes that were made. Every answer tells a revision, so there is one order
 * only in which all can have happened: what is left to see is that each read what was there then, that each write is
 * where its answer says, once, and that nothing went back in time.
 */
import { check } from '../checkers/violation.js'
import type { Ask, Told } from './requests.js'
import type { Change } from './truth.js'

export interface Record {
  readonly ask: Ask
  /** Places in the order in which things were asked and answered. */
  readonly invokedAt: number
  completedAt: number
  readonly invokedMs: number
  outcome: 'pending' | 'ok' | 'failed' | 'unknown'
  /** Null: refused, or not answered. */
  told: Told | null
}

/** Throws a Violation. */
export function judgeAnswers(records: readonly Record[], changes: readonly Change[]): void {
  writtenOnce(records, changes)
  forwardInTime(records)
  readWhatWasThere(records, changes)
}

/** Every value is put by one request. */
function writtenOnce(records: readonly Record[], changes: readonly Change[]): void {
  const made = new Map<string, Change>()
  for (const change of changes) {
    if (change.value === null) continue
    const { value } = change
    check(!made.has(value), 'exactly-once', () => `${value} was put twice`)
    made.set(value, change)
  }
  for (const { ask, outcome, told } of records) {
    if (ask.f !== 'put' && ask.f !== 'swap') continue
    const change = made.get(ask.value)
    if (outcome === 'failed' || (outcome === 'ok' && told?.wrote !== true))
      check(change === undefined, 'exactly-once', () => `${ask.value} was refused, and put`)
    if (outcome === 'ok' && told?.wrote === true)
      check(
        change?.revision === told.revision && change.key === ask.key,
        'exactly-once',
        () => `${ask.value} was put at ${change?.revision}, its answer said ${told.revision}`,
      )
  }
}

/** Who asks after an answer sees at least its revision, and makes a later one. */
function forwardInTime(records: readonly Record[]): void {
  const ends = records.filter(({ told }) => told !== null)
  const steps = [
    ...ends.map((record) => ({ at: record.invokedAt, record, begins: true })),
    ...ends.map((record) => ({ at: record.completedAt, record, begins: false })),
  ].sort((a, b) => a.at - b.at)
  const least = new Map<Record, number>()
  let latest = 0
  for (const { record, begins } of steps) {
    const revision = record.told?.revision ?? 0
    if (begins) {
      least.set(record, latest)
      continue
    }
    const before = least.get(record) ?? 0
    check(
      record.told?.wrote === true ? revision > before : revision >= before,
      'linearizable',
      () => `${record.ask.f} was answered at revision ${revision}, after ${before} had been told`,
    )
    latest = Math.max(latest, revision)
  }
}

function readWhatWasThere(records: readonly Record[], changes: readonly Change[]): void {
  const reads = records
    .filter(({ told }) => told !== null)
    .sort((a, b) => (a.told?.revision ?? 0) - (b.told?.revision ?? 0))
  const state = new Map<string, Change>()
  let next = 0
  for (const { ask, told } of reads) {
    if (told === null) continue
    for (let change = changes[next]; change !== undefined; change = changes[++next]) {
      if (change.revision > told.revision) break
      if (change.value === null) state.delete(change.key)
      else state.set(change.key, change)
    }
    if (ask.f === 'delete')
      check(
        !state.has(ask.key),
        'linearizable',
        () => `${ask.key} is there at ${told.revision}, when it was deleted`,
      )
    if (told.read === null) continue
    const keys = ask.f === 'list' ? [...state.keys()].sort() : 'key' in ask ? [ask.key] : []
    const wanted = keys.flatMap((key) => {
      const change = state.get(key)
      return change === undefined ? [] : [`${key}=${change.value}@${change.revision}`]
    })
    check(
      told.read.join() === wanted.join(),
      'linearizable',
      () => `at ${told.revision}: read ${told.read?.join()}, and there was ${wanted.join()}`,
    )
    if (ask.f === 'swap')
      check(
        state.get(ask.key)?.revision !== ask.mod,
        'linearizable',
        () => `${ask.key} was changed last at ${ask.mod}, and the swap failed`,
      )
  }
}
