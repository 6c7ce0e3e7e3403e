/** What must hold of one replica: at every instant, and between two instants. Checked after every step of a simulation. */

import type { Index } from '../ids.js'
import { rulesOf } from './checkpoint.js'
import { preparedProblem, stableProblem } from './proofs.js'
import { quorum } from './quorum.js'
import type { Slot } from './slot.js'
import type { State } from './state.js'

/** Proofs that were looked at before: they never change. */
export type Proven = WeakSet<object>

/** The first rule that is broken, in words; null when all hold. */
export function checkState(s: State, proven: Proven = new WeakSet()): string | null {
  if (s.active && s.view > 0 && s.newView?.view !== s.view) return 'a view without its NEW-VIEW'
  if (s.persistedBatch > s.batch) return 'a batch is on disk before it was emitted'
  const { index: stable, checkpoints } = s.stable
  if (stable > 0 && !proven.has(checkpoints)) {
    if (stableProblem(checkpoints, rulesOf(s)) !== null) return 'h without a proof'
    proven.add(checkpoints)
  }
  if (s.primary !== null && !s.active) return 'a primary of no view'
  // All that leads on from the snapshot, which may be late, and a few windows and intervals on either side.
  const { windowIndices, snapshotIndices } = s.options
  const leading = Math.max(s.stable.index, s.lastExecuted) - (s.snapshot?.index ?? 0)
  if (s.slots.size > leading + 4 * windowIndices + 4 * snapshotIndices)
    return `${s.slots.size} slots are kept`
  return checkSlots(s, proven)
}

function checkSlots(s: State, proven: Proven): string | null {
  let wrong: string | null = null
  s.slots.forEach((slot, index) => {
    wrong ??= slotProblem(s, index, slot, proven)
  })
  return wrong
}

function slotProblem(s: State, index: Index, slot: Slot, proven: Proven): string | null {
  if (slot.index !== index) return `slot ${index} thinks it is ${slot.index}`
  if (slot.executed && index > s.lastExecuted) return `${index} was executed out of order`
  if (slot.proposed !== null && slot.proposed.view > s.view) return `${index} is of a view to come`
  if (slot.prepared !== null && !proven.has(slot.prepared)) {
    if (preparedProblem(slot.prepared, rulesOf(s)) !== null)
      return `${index} is prepared without a proof`
    proven.add(slot.prepared)
  }
  if (slot.committed !== null && slot.committed.length < quorum(s.replicas.length))
    return `${index} is committed without Q`
  if ((slot.committedIn ?? -1) > (slot.prepared?.proposed.view ?? -1))
    return `${index}: a COMMIT without a certificate`
  if (s.primary !== null && slot.proposed?.view === s.view && index > s.primary.lastProposed)
    return `${index} was proposed by somebody else`
  return null
}

/** Of a state, what the next one is held against. */
export type Before = Pick<
  State,
  'view' | 'active' | 'stable' | 'lastExecuted' | 'persistedBatch' | 'mute'
>

export function remember(s: State): Before {
  const { view, active, stable, lastExecuted, persistedBatch, mute } = s
  return { view, active, stable, lastExecuted, persistedBatch, mute }
}

/** What no step may undo. */
export function checkTransition(before: Before, after: State): string | null {
  if (after.view < before.view) return 'the view went back'
  if (after.view === before.view && before.active && !after.active)
    return 'a view was left and kept'
  if (after.stable.index < before.stable.index) return 'h went back'
  if (after.lastExecuted < before.lastExecuted) return 'the execution went back'
  if (after.persistedBatch < before.persistedBatch) return 'the disk went back'
  if (before.mute && !after.mute) return 'a mute replica speaks'
  return null
}
