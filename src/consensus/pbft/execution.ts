/** Executes what is committed, in the order of the indices, whatever view proved it (TOCS 2002 §4.2). */
import { toHex } from '../../base/bytes.js'
import type { Entry } from '../contract.js'
import { historyBytes } from './encoding.js'
import type { Digest } from './messages.js'
import { executed } from './requests.js'
import { committedBatch, type Slot } from './slot.js'
import { others, type PbftOut, type State } from './state.js'

/** Ticks after which somebody else is asked for a batch. */
const FETCH_AGAIN_TICKS = 10
/** Indices executed in one view. */
const EXECUTED_TO_TRUST = 16

export function executeCommitted(s: State, out: PbftOut): void {
  if (s.diverged) return
  const entries: Entry[] = []
  for (;;) {
    const slot = s.slots.get(s.lastExecuted + 1)
    if (slot === undefined || slot.committed === null) break
    const batch = committedBatch(slot)
    if (batch === undefined) {
      fetchBatch(s, slot, out)
      break
    }
    slot.executed = true
    s.lastExecuted = slot.index
    s.askedInVainElapsed = null
    s.agreedTime = Math.max(s.agreedTime, batch?.time ?? 0)
    s.history = historyAfter(s, slot)
    const requests = batch?.requests ?? []
    entries.push({ index: slot.index, time: s.agreedTime, requests })
    for (const request of requests) executed(s, request)
    trust(s)
    if (batch === null) out.note({ rule: '4.4', event: 'executed-null', index: slot.index })
    if (slot.index % s.options.checkpointInterval !== 0) continue
    // The state behind this very index: nothing behind it may be applied before it is captured.
    out.apply(entries.splice(0))
    s.histories.set(slot.index, s.history)
    out.takeCheckpoint(slot.index)
    takeSnapshotIfDue(s, out)
  }
  if (entries.length > 0) out.apply(entries)
}

/** A view in which much was executed has earned the usual patience again. */
function trust(s: State): void {
  if (!s.active || ++s.executedInView !== EXECUTED_TO_TRUST) return
  s.viewChangeTicks = s.options.viewChangeTicks
  s.requestTicks = s.options.requestTicks
}

/** Nobody executes on a digest alone: those who voted for it have the batch. */
export function fetchBatch(s: State, slot: Slot, out: PbftOut): void {
  const digest = slot.committed?.[0]?.digest ?? slot.proposed?.digest
  if (digest === undefined || slot.batches.has(digest)) return
  if (slot.fetchElapsed !== null && slot.fetchElapsed < FETCH_AGAIN_TICKS) return
  slot.fetchElapsed = 0
  for (const id of others(s)) out.send(id, { type: 'FetchBatch', index: slot.index, digest })
}

function historyAfter(s: State, slot: Slot): Digest {
  const batch = slot.committed?.[0]?.digest ?? ''
  return toHex(s.options.crypto.digest(historyBytes(s.history, batch)))
}

/**
 * At indices that are the same everywhere, so that all write the same file. Who could not write two of them tries at
 * every checkpoint: nobody vouches for that one, but it lets the log go.
 */
function takeSnapshotIfDue(s: State, out: PbftOut): void {
  const { checkpointInterval, snapshotIndices } = s.options
  const every = checkpointInterval * Math.ceil(snapshotIndices / checkpointInterval)
  const isLate = s.lastExecuted - (s.snapshot?.index ?? 0) > 2 * every
  if (s.lastExecuted % every === 0 || isLate) takeSnapshot(s, out)
}

/** Of what is executed here; nothing behind it may have been applied. */
export function takeSnapshot(s: State, out: PbftOut): void {
  if (s.takingSnapshot !== null) return
  s.histories.set(s.lastExecuted, s.history)
  s.takingSnapshot = {
    index: s.lastExecuted,
    term: 0,
    time: s.agreedTime,
    configuration: s.configuration,
    digest: '',
    bytes: 0,
  }
  out.takeSnapshot(s.takingSnapshot)
}
