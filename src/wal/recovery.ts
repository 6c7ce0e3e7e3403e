/**
 * Reads the segments of a log back: what is intact, in order, and a Lost where a stretch is damaged and the shape
 * behind it tells what was there. Throws WalError where nothing tells it: a refusal, never a guess.
 */
import { EMPTY } from '../base/bytes.js'
import type { Hasher } from '../base/sha256.js'
import type { Cut } from './damage.js'
import type { SegmentFile } from './headers.js'
import { type Damage, type Healed, heal, isShape, type Lost } from './heal.js'
import type { RecordKind } from './record.js'
import type { Identity } from './segment-header.js'
import { type RecoveredRecord, type Survey, survey } from './survey.js'

export type { SegmentFile } from './headers.js'
export type { Damage, DamagedStretch, Lost } from './heal.js'
export type { RecoveredRecord } from './survey.js'

export interface RecoveredSegment {
  readonly name: string
  readonly number: number
  readonly capacity: number
  /** Length of the used part; a seal lies behind it. */
  readonly end: number
  /** Highest log index in it, or in what is lost of it; 0: none. */
  readonly lastIndex: number
  /** It opens with an intact State record. */
  readonly hasState: boolean
}

export interface Recovered {
  readonly segments: readonly RecoveredSegment[]
  /** Of all kinds but seals. */
  readonly items: readonly (RecoveredRecord | Lost)[]
  readonly cut: Cut | null
  readonly damage: Damage | null
  readonly lastBatch: number
  readonly highestIndex: number
  readonly lastKind: RecordKind | null
  /** Chain sum of the last record; 0: there is none. */
  readonly chain: number
  /** Behind the last batch; empty when it was torn off. */
  readonly shape: Uint8Array
}

export interface RecoverOptions {
  /** Null: anybody's. */
  readonly identity: Identity | null
  readonly newHasher: () => Hasher
  /** Length of a segment made now. */
  readonly segmentBytes?: number
}

/** All segments, in the order of their numbers. */
export function recover(files: readonly SegmentFile[], options: RecoverOptions): Recovered {
  const surveyed = survey(files, options)
  const healed = heal(surveyed)
  if (healed.refusal !== null) throw healed.refusal
  return recovered(surveyed, healed)
}

/** What `heal` believes, summed up. */
export function recovered(surveyed: Survey, healed: Healed): Recovered {
  const { items, damage, losses } = healed
  const lastIndices = new Map<string, number>()
  const stated = new Set<string>()
  for (const item of items) {
    if (item.kind === 'lost') continue
    const { file, kind } = item
    if (kind === 'state') stated.add(file)
    if (kind === 'batch')
      lastIndices.set(file, Math.max(lastIndices.get(file) ?? 0, item.lastIndex))
  }
  const segments = surveyed.segments.map((segment, i) => {
    const { name, number, capacity, end } = segment
    let lastIndex = lastIndices.get(name) ?? 0
    // What is lost must not be dropped as if it had never been there.
    for (const { from, to, highestIndex } of losses)
      if (from <= i && i <= to) lastIndex = Math.max(lastIndex, highestIndex)
    return { name, number, capacity, end, lastIndex, hasState: stated.has(name) }
  })
  let lastBatch = 0
  let highestIndex = 0
  let shape: Uint8Array = EMPTY
  let lastKind: RecordKind | null = null
  for (const item of items) {
    if (item.kind === 'lost') continue
    lastKind = item.kind
    highestIndex = Math.max(highestIndex, item.lastIndex)
    // A segment's State record bears the number of the batch behind it, which may be torn.
    if (item.kind !== 'state') lastBatch = item.batch
    if (isShape(item)) shape = item.payload
    else if (item.kind === 'batch') shape = EMPTY
  }
  const { cut, chain } = surveyed
  const tail = { lastBatch, highestIndex, lastKind, chain: chain ?? 0, shape }
  return { segments, items, cut, damage, ...tail }
}
