/**
 * How the log looks without what is in it: term, vote, the snapshot's end, the configuration in effect, and the runs of equal
 * terms up to the last entry. Every batch on disk is followed by the shape after it (docs/decisions/0004): when a stretch of the log
 * is damaged, the first shape behind it tells which entries are gone and what this node had voted.
 *
 * A shape is bounded. Runs are written newest first; what is older than the bound is not told, and a reader must not guess.
 */

import { utf8Decode, utf8Encode } from '../../base/utf8.js'
import { Reader, Writer } from '../../base/varint.js'
import type { Configuration, SnapshotMeta } from '../contract.js'
import { readConfiguration, readText, writeConfiguration, writeText } from '../encoding.js'
import type { Index, NodeId } from '../ids.js'
import { baseOf, type Log, lastIndex, termAt } from './log.js'
import type { EntryId } from './messages.js'
import type { ConfigurationAt } from './state.js'

/** Entries `from` to the next run, or to the last entry, are of this term. */
export interface Run {
  readonly from: Index
  readonly term: number
}

/** What else a snapshot's record says, so that a whole file is not lost with its record. */
export type ShapeSnapshot = Pick<SnapshotMeta, 'time' | 'digest' | 'bytes'>

export interface Shape {
  readonly term: number
  readonly votedFor: NodeId | null
  /** Where the snapshot ends; index 0 without one. */
  readonly base: EntryId
  /** The file that ends at the base; null: there is none, or a writer of before did not tell. */
  readonly snapshot: ShapeSnapshot | null
  readonly lastIndex: Index
  /** In effect, and from where on: who the members are must not hang on one record. Null: nobody formed a cluster. */
  readonly configuration: ConfigurationAt | null
  /** Oldest first. The first one begins right behind the base, or later: then what is before it is not told. */
  readonly runs: readonly Run[]
}

/** Elections that left entries behind the snapshot; a log with more is told in part. At most 16 bytes each. */
export const RUNS_MAX = 64

/** What the log keeps room for. */
const BYTES_MAX = 2048

/** With members whose names and uids take more than this, fewer runs are told: all must fit. */
const CONFIGURATION_BYTES_USUAL = 800
const RUNS_MIN = 16

/** A memo: it goes with every batch, and changes with the members only. */
const ENCODED = new WeakMap<Configuration, Uint8Array>()

/** Terms never decrease along the log, so that the begin of a run is found by halving: no bookkeeping a batch. */
export function runsOf(log: Log, after: Index, max = RUNS_MAX): Run[] {
  const runs: Run[] = []
  let index = lastIndex(log)
  while (index > after && runs.length < max) {
    const term = termAt(log, index) ?? 0
    let from = after + 1
    let to = index
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((termAt(log, middle) ?? 0) < term) from = middle + 1
      else to = middle
    }
    runs.push({ from, term })
    index = from - 1
  }
  return runs.reverse()
}

export function shapeOf(
  s: { term: number; votedFor: NodeId | null; configurations: readonly ConfigurationAt[] },
  log: Log,
): Shape {
  const base = baseOf(log)
  const { term, votedFor } = s
  const configuration = s.configurations.at(-1) ?? null
  const bytes = configuration === null ? 0 : encoded(configuration.configuration).length
  const runs = runsOf(log, base.index, bytes > CONFIGURATION_BYTES_USUAL ? RUNS_MIN : RUNS_MAX)
  const snapshot = log.lostBase === null ? fileOf(log.snapshot) : null
  return { term, votedFor, base, snapshot, lastIndex: lastIndex(log), configuration, runs }
}

function fileOf(snapshot: SnapshotMeta | null): ShapeSnapshot | null {
  if (snapshot === null) return null
  const { time, digest, bytes } = snapshot
  return { time, digest, bytes }
}

function encoded(configuration: Configuration): Uint8Array {
  const known = ENCODED.get(configuration)
  if (known !== undefined) return known
  const w = new Writer(256)
  writeConfiguration(w, configuration)
  const bytes = w.finish()
  ENCODED.set(configuration, bytes)
  return bytes
}

/** Of an index that the shape tells; null: it is not told, or not there. */
export function termIn(shape: Shape, index: Index): number | null {
  if (index === shape.base.index) return shape.base.term
  if (index > shape.lastIndex) return null
  return shape.runs.findLast((run) => run.from <= index)?.term ?? null
}

export function encodeShape(shape: Shape): Uint8Array {
  const w = new Writer(64)
  w.varint(shape.term).chunk(utf8Encode(shape.votedFor ?? ''))
  w.varint(shape.base.index).varint(shape.base.term)
  w.varint(shape.lastIndex - shape.base.index).byte(shape.configuration === null ? 0 : 1)
  if (shape.configuration !== null)
    w.varint(shape.configuration.index).raw(encoded(shape.configuration.configuration))
  w.varint(shape.runs.length)
  let end = shape.lastIndex
  for (const run of [...shape.runs].reverse()) {
    w.varint(run.term).varint(end - run.from)
    end = run.from - 1
  }
  const { snapshot } = shape
  if (snapshot !== null) {
    w.varint(snapshot.time).varint(snapshot.bytes)
    writeText(w, snapshot.digest)
  }
  return w.finish()
}

/** Null when the bytes are no shape. */
export function decodeShape(bytes: Uint8Array): Shape | null {
  if (bytes.length > BYTES_MAX) return null
  const r = new Reader(bytes)
  const term = r.varint()
  const votedFor = utf8Decode(r.chunk())
  const base = { index: r.varint(), term: r.varint() }
  const lastIndex = base.index + r.varint()
  const configuration =
    r.byte() === 1 ? { index: r.varint(), configuration: readConfiguration(r) } : null
  const runs = readRuns(r, { base, lastIndex, term })
  // It stands last, and only where there is one.
  const snapshot = r.ok && r.left > 0 ? readFile(r) : null
  if (snapshot !== null && base.index === 0) return null
  if (configuration !== null && configuration.index > lastIndex) return null
  if (runs === null || !r.ok || r.left !== 0 || !Number.isSafeInteger(lastIndex)) return null
  const vote = votedFor === '' ? null : votedFor
  return { term, votedFor: vote, base, snapshot, lastIndex, configuration, runs }
}

function readFile(r: Reader): ShapeSnapshot {
  const time = r.varint()
  const bytes = r.varint()
  return { time, bytes, digest: readText(r) }
}

function readRuns(
  r: Reader,
  whole: { base: EntryId; lastIndex: Index; term: number },
): Run[] | null {
  const count = r.varint()
  if (count > RUNS_MAX || whole.base.term > whole.term) return null
  const runs: Run[] = []
  let end = whole.lastIndex
  let below = whole.term + 1
  for (let i = 0; i < count; i++) {
    const run = { term: r.varint(), from: end - r.varint() }
    // Newest first: each is of an earlier term than the one behind it, and ends where that one begins.
    const fits = run.from > whole.base.index && run.from <= end && run.term < below
    if (!fits || run.term < whole.base.term || run.term === 0) return null
    runs.push(run)
    below = run.term
    end = run.from - 1
  }
  // Entries and not one run is no shape that anybody wrote.
  if (whole.lastIndex > whole.base.index && count === 0) return null
  return runs.reverse()
}
