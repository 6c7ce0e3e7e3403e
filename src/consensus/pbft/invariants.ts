/** What must hold of one replica: at every instant, and between two instants. Checked after every step of a simulation. */

import { rulesOf } from './checkpoint.js'
import { preparedProblem, stableProblem } from './proofs.js'
import { quorum } from './quorum.js'
import type { State } from './state.js'

/** The first rule that is broken, in words; null when all hold. */
export function checkState(s: State): string | null {
  if (s.active && s.view > 0 && s.newView?.view !== s.view) return 'a view without its NEW-VIEW'
  if (s.persistedBatch > s.batch) return 'a batch is on disk before it was emitted'
  if (s.stable.index > 0 && stableProblem(s.stable.checkpoints, rulesOf(s)) !== null)
    return 'h without a proof'
  if (s.primary !== null && !s.active) return 'a primary of no view'
  const indices = 4 * s.options.windowIndices + 4 * s.options.snapshotIndices
  if (s.slots.size > indices) return `${s.slots.size} slots are kept`
  return checkSlots(s)
}

function checkSlots(s: State): string | null {
  for (const [index, slot] of s.slots) {
    if (slot.index !== index) return `slot ${index} thinks it is ${slot.index}`
    if (slot.executed && index > s.lastExecuted) return `${index} was executed out of order`
    if (slot.proposed !== null && slot.proposed.view > s.view)
      return `${index} is of a view to come`
    if (slot.prepared !== null && preparedProblem(slot.prepared, rulesOf(s)) !== null)
      return `${index} is prepared without a proof`
    if (slot.committed !== null && slot.committed.length < quorum(s.replicas.length))
      return `${index} is committed without Q`
    if ((slot.committedIn ?? -1) > (slot.prepared?.proposed.view ?? -1))
      return `${index}: a COMMIT without a certificate`
    if (s.primary !== null && slot.proposed?.view === s.view && index > s.primary.lastProposed)
      return `${index} was proposed by somebody else`
  }
  return null
}

/** What no step may undo. */
export function checkTransition(before: State, after: State): string | null {
  if (after.view < before.view) return 'the view went back'
  if (after.view === before.view && before.active && !after.active)
    return 'a view was left and kept'
  if (after.stable.index < before.stable.index) return 'h went back'
  if (after.lastExecuted < before.lastExecuted) return 'the execution went back'
  if (after.persistedBatch < before.persistedBatch) return 'the disk went back'
  if (before.mute && !after.mute) return 'a mute replica speaks'
  return null
}
