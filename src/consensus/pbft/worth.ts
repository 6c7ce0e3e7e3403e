/**
 * What a message is worth before anybody has verified it. What is old, out of place or malformed is refused whoever signed it,
 * and signatures are most of what a message costs: a host asks here first. Each rule is one of the message's handler,
 * which keeps it too: what is let through here may still be refused there, and what is refused here would have changed nothing.
 */
import { rulesOf } from './checkpoint.js'
import type {
  Checkpoint,
  Commit,
  CommittedBatch,
  Forward,
  Message,
  NewView,
  PrePrepare,
  Prepare,
  ViewChange,
} from './messages.js'
import { newViewProblem } from './new-view.js'
import { inWindow } from './ordering.js'
import { commitsProblem, stableProblem, viewChangeProblem } from './proofs.js'
import { committedBatch } from './slot.js'
import { highWatermark, primary, requestKey, type State } from './state.js'

/**
 * Which signatures decide what becomes of a message: all that are in it; its sender's alone, where what that one signed is
 * the end of its view whoever signed the rest; or none, and it need not reach the core.
 */
export type Worth = 'all' | 'own' | 'none'

export function worthOf(s: State, m: Message): Worth {
  if (s.replicas.length === 0) return 'none'
  switch (m.type) {
    case 'PrePrepare':
      return worthOfPrePrepare(s, m)
    case 'Prepare':
      return isOfUs(s, m) && inWindow(s, m.index) && m.view >= s.view ? 'all' : 'none'
    case 'Commit':
      return isOfUs(s, m) && m.index <= highWatermark(s) && m.index > s.lastExecuted
        ? 'all'
        : 'none'
    case 'Checkpoint':
      // One that comes late is nothing new, and may contradict what its sender said before: that is for people to know.
      return isOfUs(s, m) && m.index % s.options.checkpointInterval === 0 ? 'all' : 'none'
    case 'StableCheckpoint': {
      const index = m.checkpoints[0]?.index ?? 0
      return index > s.stable.index && stableProblem(m.checkpoints, rulesOf(s)) === null
        ? 'all'
        : 'none'
    }
    case 'ViewChange':
      return mayBeCounted(s, m) ? 'all' : 'none'
    case 'NewView':
      return worthOfNewView(s, m)
    case 'CommittedBatch':
      return mayBeExecuted(s, m) ? 'all' : 'none'
    // Few signatures, or none.
    case 'SnapshotVote':
    case 'SnapshotProof':
    case 'Forward':
    case 'Status':
    case 'FetchBatch':
    case 'FetchedBatch':
      return 'all'
  }
}

/** The requests of which something may become here: those that wait already, or find no room, are not looked at. */
export function worthOfForward(s: State, m: Forward): Forward {
  const full = s.waiting.size >= s.options.waitingRequestsMax
  const requests = m.requests.filter((request) => {
    const key = requestKey(request)
    return s.justExecuted.has(key) || !(full || s.waiting.has(key))
  })
  return requests.length === m.requests.length ? m : { ...m, requests }
}

function isOfUs(s: State, { sender, epoch }: Prepare | Commit | Checkpoint): boolean {
  return epoch === s.epoch && s.replicas.includes(sender)
}

/** Of two for one index in one view the second is its primary's end: nobody looks at what is in it. */
function worthOfPrePrepare(s: State, { proposed, batch }: PrePrepare): Worth {
  const { index, view, sender, epoch, digest } = proposed
  if (view !== s.view || !s.active || batch === null) return 'none'
  if (epoch !== s.epoch || sender !== primary(s) || sender === s.id) return 'none'
  if (!inWindow(s, index)) return 'none'
  const known = s.slots.get(index)?.proposed
  if (known?.view !== view) return 'all'
  return known.digest === digest ? 'none' : 'own'
}

function mayBeCounted(s: State, m: ViewChange): boolean {
  if (m.sender === s.id || m.view < s.view || (m.view === s.view && s.active)) return false
  if ((s.viewChanges.get(m.sender)?.view ?? 0) >= m.view) return false
  return viewChangeProblem(m, rulesOf(s)) === null
}

/** One that does not prove its view is the end of that view, if its primary signed it: no other signature matters then. */
function worthOfNewView(s: State, m: NewView): Worth {
  if (m.view < s.view || (m.view === s.view && s.active)) return 'none'
  if (newViewProblem(s, m) === null) return 'all'
  return m.view === s.view && m.sender === primary(s) ? 'own' : 'none'
}

function mayBeExecuted(s: State, { commits }: CommittedBatch): boolean {
  const [first] = commits
  if (first === undefined || commitsProblem(commits, rulesOf(s)) !== null) return false
  const farthest = Math.max(highWatermark(s), s.lastExecuted) + s.options.windowIndices
  if (first.index <= s.lastExecuted || first.index > farthest) return false
  const slot = s.slots.get(first.index)
  return slot === undefined || slot.committed === null || committedBatch(slot) === undefined
}
