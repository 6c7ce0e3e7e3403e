/**
 * Leaving a view (TOCS 2002 §4.4, with signatures as in OSDI 1999): a replica that has waited too long for a request
 * says so with all that it prepared, and votes in no older view from then on, restart or not.
 *
 * Why what it prepared must come with it: 1. Q commit a batch in view 0, one replica executes it. 2. View 1 gives the
 * index to something else. Any Q view changes have a replica in common with the Q that committed, and that one shows
 * its certificate.
 */
import { rulesOf } from './checkpoint.js'
import { isAmongEnough } from './hearing.js'
import type { PreparedCertificate, ViewChange } from './messages.js'
import { tryNewView } from './new-view.js'
import { viewChangeProblem } from './proofs.js'
import { quorum, weakQuorum } from './quorum.js'
import { others, type PbftOut, type State } from './state.js'
import { countOnceDurable, signViewChange } from './statements.js'

/** VIEW-CHANGE(view): durable before it leaves; after it nothing is prepared or committed below that view. */
export function startViewChange(s: State, view: number, out: PbftOut): void {
  if (view <= s.view) return
  s.view = view
  s.active = false
  s.primary = null
  s.parked = []
  s.primarySuspected = false
  s.viewChangeElapsed = null
  for (const waiting of s.waiting.values()) waiting.elapsed = 0
  out.note({ rule: '4.4', event: 'view-change-started', term: view })
  const { index: stable, checkpoints } = s.stable
  const prepared = preparedAbove(s)
  if (s.mute) {
    out.persist({ type: 'ViewLeft', view })
    return out.note({ rule: 'PROTOCOL 5', event: 'vote-withheld', term: view })
  }
  const m = signViewChange(s, { view, stable, checkpoints, prepared })
  s.viewChange = m
  out.persist({ type: 'ViewChangeSaid', viewChange: m })
  countOnceDurable(s, m)
  for (const id of others(s)) out.send(id, m)
  // Those of others may be there already.
  settle(s, out)
}

/** P: for each index in (h, H] the certificate of the highest view. */
function preparedAbove(s: State): PreparedCertificate[] {
  const prepared: PreparedCertificate[] = []
  for (const slot of s.slots.values())
    if (slot.prepared !== null && slot.index > s.stable.index) prepared.push(slot.prepared)
  return prepared.sort((a, b) => a.proposed.index - b.proposed.index)
}

export function onViewChange(s: State, m: ViewChange, out: PbftOut): void {
  const about = { rule: '4.4', peer: m.sender, term: m.view }
  if (m.sender === s.id) return
  const known = s.viewChanges.get(m.sender)
  if (m.view < s.view || (m.view === s.view && s.active) || (known?.view ?? 0) >= m.view)
    return out.note({ ...about, event: 'stale-message' })
  const problem = viewChangeProblem(m, rulesOf(s))
  // Whole or not at all: one bad certificate must not hide the good ones of others.
  if (problem !== null) return out.note({ ...about, event: 'view-change-refused', detail: problem })
  s.viewChanges.set(m.sender, m)
  settle(s, out)
}

export function countOwnViewChange(s: State, own: ViewChange, out: PbftOut): void {
  if (own.view !== s.view || s.active) return
  s.viewChanges.set(s.id, own)
  settle(s, out)
}

/** Join those who are ahead; start the clock once Q ask for our view; be its primary if we are. */
function settle(s: State, out: PbftOut): void {
  const ahead = [...s.viewChanges.values()].filter((m) => m.view > s.view && m.sender !== s.id)
  // W distinct replicas: one of them is honest and has its reasons. The smallest view, not to be dragged to any.
  if (ahead.length >= weakQuorum(s.replicas.length)) {
    const view = Math.min(...ahead.map((m) => m.view))
    out.note({ rule: '4.4', event: 'view-change-joined', term: view })
    return startViewChange(s, view, out)
  }
  if (s.active) return
  const q = quorum(s.replicas.length)
  const left = [...s.viewChanges.values()].filter((m) => m.view >= s.view)
  // Those who are ahead have left too. 1. Of three that live two ask for view 4, the third was asked for 4 by Q once,
  // waited in vain, and asks for 5. 2. Nobody says 4 for the third time, and one alone draws nobody to 5. 3. Unless the
  // two grow tired of 4, that is the end.
  if (left.length < q) return
  s.viewChangeElapsed ??= 0
  const asking = left.filter((m) => m.view === s.view)
  if (asking.length >= q) tryNewView(s, asking, out)
}

/** Q wait for the primary of the new view: not for ever, and longer each time. */
export function tickViewChange(s: State, out: PbftOut): void {
  if (s.active || s.viewChangeElapsed === null || !isAmongEnough(s)) return
  s.viewChangeElapsed++
  if (s.viewChangeElapsed < s.viewChangeTicks) return
  patience(s)
  out.note({ rule: '4.5', event: 'view-change-timed-out', term: s.view })
  startViewChange(s, s.view + 1, out)
}

/** The oldest request or proposal has waited too long. */
export function tickRequests(s: State, out: PbftOut): void {
  if (!s.active || s.replicas.length === 0) return
  const waited = isAmongEnough(s) ? longestWait(s) : 0
  if (waited < s.requestTicks && !s.primarySuspected) return
  patience(s)
  out.note({ rule: '4.5', event: 'request-timed-out', term: s.view, index: s.lastExecuted })
  startViewChange(s, s.view + 1, out)
}

/** One tick more for all that wait. Of the oldest: or a primary could starve one client for ever. */
function longestWait(s: State): number {
  let oldest = 0
  for (const waiting of s.waiting.values()) {
    waiting.elapsed++
    oldest = Math.max(oldest, waiting.elapsed)
  }
  for (const slot of s.slots.values()) {
    if (slot.executed || slot.proposed?.view !== s.view) continue
    slot.elapsed++
    oldest = Math.max(oldest, slot.elapsed)
  }
  if (timeIsFrozen(s)) oldest = Math.max(oldest, ++s.frozenElapsed)
  else s.frozenElapsed = 0
  return oldest
}

/** Each view that fails is given more time than the last, up to a bound: the network may be slow, and nobody a liar. */
function patience(s: State): void {
  const max = s.options.viewChangeTicksMax
  s.viewChangeTicks = Math.min(2 * s.viewChangeTicks, max)
  s.requestTicks = Math.min(2 * s.requestTicks, max)
}

/** Something should have expired long ago: the primary does not let time pass. */
function timeIsFrozen(s: State): boolean {
  return s.nextDeadline !== null && s.now > s.nextDeadline + s.options.clockBoundMs
}
