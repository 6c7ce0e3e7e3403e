/**
 * What is left of a log whose disk lost a part of it: the fold's answer to a shape that stands behind damage, and to
 * a snapshot that cannot be read (docs/decisions/0004). Nothing that the node ever acknowledged is forgotten here:
 * what is not known by its content is known by index and term, or recovery refuses.
 */
import { assert, present } from '../../base/assert.js'
import type { Configuration, SnapshotMeta } from '../contract.js'
import type { Index } from '../ids.js'
import * as Log from './log.js'
import { configurationsIn } from './membership.js'
import type { EntryId, LogEntry } from './messages.js'
import { type Shape, termIn } from './shape.js'
import { NO_CONFIGURATION } from './state.js'

/**
 * The log becomes what the shape says: what is known of it stays, the rest are holes. By Log Matching (§5.3) one common
 * entry vouches for all before it, also for those that the shape is too short to tell.
 */
export function reconcile(log: Log.Log, shape: Shape): void {
  assert(
    shape.base.index >= Log.snapshotIndex(log),
    'a shape is no older than what stands before it',
  )
  const configuration = knownBelow(log, shape)
  const agreed = agreement(log, shape)
  const told = shape.runs[0]?.from ?? shape.lastIndex + 1
  if (agreed === null || agreed < told - 1) {
    // What we know is of a log that has been replaced meanwhile.
    const untold = told > shape.base.index + 1
    const begin = untold ? { index: told, term: present(termIn(shape, told)) } : shape.base
    beginAt(log, begin)
    appendHoles(log, shape)
    // Entries between the base and the first one told may be anything: only a snapshot over them helps.
    if (untold) loseBase(log, begin, configuration)
    else if (shape.base.index > Log.snapshotIndex(log)) baseAsTold(log, shape, configuration)
    return
  }
  Log.truncate(log, agreed)
  appendHoles(log, shape)
  if (shape.base.index > Log.snapshotIndex(log)) baseAsTold(log, shape, configuration)
}

/**
 * The record of the snapshot is gone, its file may be there: whoever reads it holds it against the digest, and if it is not
 * the very one the base is lost after all (SnapshotLost). Only with the configuration that was in effect at the base: a
 * later one may stand behind the members who count for what lies there.
 */
function baseAsTold(log: Log.Log, shape: Shape, configuration: Configuration): void {
  const { base, snapshot, configuration: told } = shape
  loseBase(log, base, configuration)
  if (snapshot === null || told === null || told.index > base.index) return
  if (log.lostBase === null) return
  const meta: SnapshotMeta = { ...base, ...snapshot, configuration: told.configuration }
  log.snapshot = meta
  log.lostBase = null
}

/** The newest snapshot that the log names is not there. It is told last, after all that the log itself says. */
export function loseSnapshot(log: Log.Log): void {
  const { snapshot } = log
  if (snapshot === null) return
  assert(log.offset.index <= snapshot.index, 'entries behind the lost snapshot are missing')
  loseBase(log, { index: snapshot.index, term: snapshot.term }, snapshot.configuration)
}

/** A later record of the log that holds what was missing. It never truncates. */
export function foldFilled(log: Log.Log, entries: readonly LogEntry[]): void {
  Log.fill(log, entries, 0)
}

/** The highest index at which the log has the entry that the shape tells; null: none is known to be common. */
function agreement(log: Log.Log, shape: Shape): Index | null {
  const low = Math.max(log.offset.index, shape.base.index)
  for (let index = Math.min(Log.lastIndex(log), shape.lastIndex); index >= low; index--) {
    // Before all entries every log agrees; elsewhere term 0 stands for one that is not known.
    if (index === 0) return 0
    const term = termIn(shape, index)
    if (term !== null && term > 0 && term === Log.termAt(log, index)) return index
  }
  return null
}

function beginAt(log: Log.Log, begin: EntryId): void {
  log.entries = []
  log.batches = []
  log.holes = []
  log.offset = begin
}

function appendHoles(log: Log.Log, shape: Shape): void {
  const holes: LogEntry[] = []
  for (let index = Log.lastIndex(log) + 1; index <= shape.lastIndex; index++)
    holes.push(Log.holeAt({ index, term: present(termIn(shape, index), 'told') }))
  Log.append(log, holes, 0)
  for (const hole of holes) log.holes.push(hole.index)
  log.told = shape.configuration
}

function loseBase(log: Log.Log, base: EntryId, configuration: Configuration): void {
  log.snapshot = null
  // The rest of an older log: a later record names the snapshot over it, or recovery refuses.
  if (base.index < log.offset.index) return
  const gone = base.index - log.offset.index
  log.entries = log.entries.slice(gone)
  log.batches = log.batches.slice(gone)
  log.holes = log.holes.filter((hole) => hole > base.index)
  log.offset = base
  log.lostBase = configuration
}

/** At the lost base, as far as is known: else whom to ask is all that it is good for, and any configuration tells that. */
function knownBelow(log: Log.Log, shape: Shape): Configuration {
  const told = shape.configuration
  const known = [...configurationsIn(log), ...(told === null ? [] : [told])]
  const best = known.findLast((at) => at.index <= shape.base.index) ?? known[0]
  return best?.configuration ?? NO_CONFIGURATION
}
