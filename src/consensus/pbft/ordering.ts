/**
 * The three phases (TOCS 2002 §4.2): the primary gives batches their indices, backups accept and prepare them, what Q
 * prepared is committed, what Q committed is executed in the order of the indices.
 */
import type { Request } from '../contract.js'
import type { Index, NodeId } from '../ids.js'
import { executeCommitted } from './execution.js'
import type { Batch, Commit, PrePrepare, Prepare, Proposed } from './messages.js'
import { quorum } from './quorum.js'
import * as Slots from './slot.js'
import {
  highWatermark,
  isPrimary,
  lowWatermark,
  others,
  type PbftOut,
  type Primary,
  primary,
  requestKey,
  type State,
} from './state.js'
import { countOnceDurable, digestOf, signCommit, signPrepare, signProposed } from './statements.js'

/** The slot of an index above the last snapshot; made when it is first spoken of. */
export function slotAt(s: State, index: Index): Slots.Slot {
  let slot = s.slots.get(index)
  if (slot === undefined) {
    slot = Slots.newSlot(index)
    s.slots.set(index, slot)
  }
  return slot
}

/** Is the index one that is voted on now: h < n <= H? */
export function inWindow(s: State, index: Index): boolean {
  return index > lowWatermark(s) && index <= highWatermark(s)
}

/** Cuts batches while the pipeline has room: at once when nobody is busy with an earlier one, else as those are prepared. */
export function proposeQueued(s: State, out: PbftOut): void {
  const p = s.primary
  if (p === null || s.mute || s.diverged) return
  while (p.queue.length > 0 && mayPropose(s, p) && isWorthAnIndex(s, p))
    propose(s, p, cutBatch(s, p), out)
}

/**
 * An index costs every replica the same, whatever is in it. While the replicas prepare some, what comes is gathered for
 * the next: under load batches grow, and a lone request still leaves at once.
 */
function isWorthAnIndex(s: State, p: Primary): boolean {
  const { unpreparedIndices } = s.options
  if (fillsABatch(s, p.queue)) return true
  let unprepared = 0
  for (let index = p.lastProposed; index > s.lastExecuted; index--)
    if (s.slots.get(index)?.committedIn !== s.view) unprepared++
  return unprepared < unpreparedIndices
}

function fillsABatch(s: State, queue: readonly Request[]): boolean {
  const { batchBytesMax, batchRequestsMax } = s.options
  if (queue.length >= batchRequestsMax) return true
  let bytes = 0
  for (const request of queue) {
    bytes += sizeOf(request)
    if (bytes >= batchBytesMax) return true
  }
  return false
}

/** Room in the window and in the pipeline. */
export function mayPropose(s: State, p: Primary): boolean {
  const next = p.lastProposed + 1
  return next <= highWatermark(s) && next - s.lastExecuted <= s.options.pipelineIndices
}

function cutBatch(s: State, p: Primary): Request[] {
  const { batchBytesMax, batchRequestsMax } = s.options
  let count = 0
  let bytes = 0
  while (count < p.queue.length && count < batchRequestsMax) {
    const size = sizeOf(p.queue[count])
    if (count > 0 && bytes + size > batchBytesMax) break
    bytes += size
    count++
  }
  return p.queue.splice(0, count)
}

/** Near enough for a bound. */
export function sizeOf(request: Request | undefined): number {
  return 32 + (request?.command.length ?? 0) + (request?.auth?.length ?? 0)
}

/** PRE-PREPARE: on our disk before anybody hears of it, so that no restart gives the index to something else. */
export function propose(s: State, p: Primary, requests: readonly Request[], out: PbftOut): void {
  const index = p.lastProposed + 1
  const batch: Batch = { time: Math.max(s.now, s.agreedTime), requests }
  const digest = digestOf(s, batch)
  const proposed = signProposed(s, { view: s.view, index, digest })
  p.lastProposed = index
  for (const request of requests) p.proposed.add(requestKey(request))
  accept(s, { slot: slotAt(s, index), proposed, batch }, out)
  const message: PrePrepare = { type: 'PrePrepare', proposed, batch }
  for (const id of others(s)) out.send(id, message)
  out.note({ rule: '4.2', event: 'proposed', index, term: s.view })
}

/** A backup's door. What is refused here is refused for good; what is too early is parked or asked for again. */
export function onPrePrepare(s: State, m: PrePrepare, out: PbftOut): void {
  const { proposed, batch } = m
  const { index, view, sender } = proposed
  const about = { rule: '4.2', peer: sender, index, term: view }
  if (view !== s.view || !s.active) return out.note({ ...about, event: 'stale-message' })
  if (proposed.epoch !== s.epoch || sender !== primary(s) || sender === s.id)
    return out.note({ ...about, event: 'malformed', detail: 'not of the primary' })
  if (!inWindow(s, index)) return out.note({ ...about, event: 'beyond-window' })
  if (digestOf(s, batch) !== proposed.digest)
    return out.note({ ...about, event: 'malformed', detail: 'not the digest of its batch' })
  // Null batches fill the gaps of a new view, and are nobody's to propose later.
  if (batch === null) return out.note({ ...about, event: 'malformed', detail: 'a null batch' })
  const slot = slotAt(s, index)
  if (slot.proposed !== null && slot.proposed.view === view) {
    if (slot.proposed.digest === proposed.digest) return
    // The first one stands; that there are two is the primary's end.
    out.note({ ...about, event: 'equivocation-seen' })
    return suspect(s)
  }
  const problem = batchProblem(batch)
  if (problem !== null) {
    out.note({ ...about, event: 'pre-prepare-refused', detail: problem })
    return suspect(s)
  }
  // What Q have let pass is no news, whoever's clock was set back since: else all wait until theirs are there again.
  const latest = Math.max(s.now + s.options.clockBoundMs, s.agreedTime)
  if (batch.time > latest) return park(s, m, out)
  accept(s, { slot, proposed, batch }, out)
  prepare(s, slot, out)
  advance(s, slot, out)
}

/** The same client's request twice in one batch: nobody needs that. */
function batchProblem(batch: Batch): string | null {
  const keys = new Set<string>()
  for (const request of batch.requests) keys.add(requestKey(request))
  return keys.size === batch.requests.length ? null : 'a request twice in one batch'
}

/** Its time is too far ahead of our clock: looked at again at every tick, for clocks differ. */
function park(s: State, m: PrePrepare, out: PbftOut): void {
  const { index, view } = m.proposed
  out.note({ rule: 'PROTOCOL 3', event: 'pre-prepare-parked', index, term: view })
  if (s.parked.length >= s.options.windowIndices) return
  if (s.parked.some((one) => one.proposed.index === index && one.proposed.view === view)) return
  s.parked.push(m)
}

export function retryParked(s: State, out: PbftOut): void {
  const parked = s.parked
  if (parked.length === 0) return
  s.parked = []
  for (const m of parked) onPrePrepare(s, m, out)
}

/** A primary that was caught: its oldest request has waited long enough. */
function suspect(s: State): void {
  s.primarySuspected = true
}

/** From here on this view has one batch for the index, whatever comes. */
function accept(
  s: State,
  of: { readonly slot: Slots.Slot; readonly proposed: Proposed; readonly batch: Batch },
  out: PbftOut,
): void {
  const { slot, proposed, batch } = of
  slot.proposed = proposed
  markProposed(s, batch)
  slot.batches.set(proposed.digest, batch)
  slot.elapsed = 0
  out.persist({ type: 'Accepted', proposed, batch })
  out.note({ rule: '4.2', event: 'pre-prepare-accepted', index: slot.index, term: proposed.view })
}

/** Who waits for one of these need tell nobody while the view lasts. */
export function markProposed(s: State, batch: Batch | null | undefined): void {
  if (s.waiting.size === 0) return
  for (const request of batch?.requests ?? []) {
    const waiting = s.waiting.get(requestKey(request))
    if (waiting !== undefined) waiting.proposedIn = s.view
  }
}

/** PREPARE, once a view; the primary's proposal is its own. */
export function prepare(s: State, slot: Slots.Slot, out: PbftOut): void {
  const { proposed } = slot
  if (proposed === null || !s.active || proposed.view !== s.view || isPrimary(s)) return
  // Without the batch nobody could give it to others: first it is fetched.
  if (slot.preparedIn === s.view || !inWindow(s, slot.index)) return
  if (!slot.batches.has(proposed.digest)) return
  if (s.mute) return out.note({ rule: 'PROTOCOL 5', event: 'vote-withheld', index: slot.index })
  slot.preparedIn = s.view
  const vote = signPrepare(s, proposed)
  countOnceDurable(s, vote)
  for (const id of others(s)) out.send(id, vote)
}

export function onPrepare(s: State, m: Prepare, out: PbftOut): void {
  const about = { rule: '4.2', peer: m.sender, index: m.index, term: m.view }
  if (!isVote(s, m)) return out.note({ ...about, event: 'malformed' })
  if (!inWindow(s, m.index)) return out.note({ ...about, event: 'beyond-window' })
  if (m.view < s.view) return out.note({ ...about, event: 'stale-message' })
  const slot = slotAt(s, m.index)
  const verdict = Slots.addVote(slot.prepares, m)
  if (verdict === 'equivocation') return out.note({ ...about, event: 'equivocation-seen' })
  if (verdict === 'counted') advance(s, slot, out)
}

export function onCommit(s: State, m: Commit, out: PbftOut): void {
  const about = { rule: '4.2', peer: m.sender, index: m.index, term: m.view }
  if (!isVote(s, m)) return out.note({ ...about, event: 'malformed' })
  if (m.index > highWatermark(s) || m.index <= s.lastExecuted)
    return out.note({ ...about, event: 'beyond-window' })
  const slot = slotAt(s, m.index)
  const verdict = Slots.addVote(slot.commits, m)
  if (verdict === 'equivocation') return out.note({ ...about, event: 'equivocation-seen' })
  if (verdict === 'counted') advance(s, slot, out)
}

function isVote(s: State, m: Prepare | Commit): boolean {
  return m.epoch === s.epoch && s.replicas.includes(m.sender)
}

/** What the votes of a slot now prove: prepared, then committed, then executed in order. */
export function advance(s: State, slot: Slots.Slot, out: PbftOut): void {
  const q = quorum(s.replicas.length)
  commitPrepared(s, slot, q, out)
  if (slot.committed !== null) {
    // Its batch may have come only now.
    if (slot.index === s.lastExecuted + 1) executeCommitted(s, out)
    return
  }
  const commits = Slots.commitCertificate(slot, q)
  if (commits === null) return
  slot.committed = commits
  // Others have these commits too, and give them to who lost them: no send, execution or answer waits for this.
  out.persistLazily({ type: 'Committed', commits })
  const [{ view } = { view: s.view }] = commits
  out.note({ rule: '4.2', event: 'committed', index: slot.index, term: view })
  executeCommitted(s, out)
  proposeQueued(s, out)
}

/** COMMIT: the certificate is on disk first, or a restarted replica could not show it in a view change. */
function commitPrepared(s: State, slot: Slots.Slot, q: number, out: PbftOut): void {
  const { proposed } = slot
  if (proposed === null || !s.active || proposed.view !== s.view) return
  if (slot.committedIn === s.view || !inWindow(s, slot.index)) return
  if (!slot.batches.has(proposed.digest)) return
  const certificate = Slots.preparedCertificate(slot, q)
  if (certificate === null) return
  slot.prepared = certificate
  slot.committedIn = s.view
  out.note({ rule: '4.2', event: 'prepared', index: slot.index, term: s.view })
  out.persist({ type: 'Prepared', certificate })
  if (s.mute) return out.note({ rule: 'PROTOCOL 5', event: 'vote-withheld', index: slot.index })
  const vote = signCommit(s, proposed)
  countOnceDurable(s, vote)
  for (const id of others(s)) out.send(id, vote)
  proposeQueued(s, out)
}

/** What a replica said of an index; to be said again. */
export function votesOf(slot: Slots.Slot, id: NodeId): (Prepare | Commit)[] {
  const votes: (Prepare | Commit)[] = []
  const prepared = slot.prepares.get(id)
  const committed = slot.commits.get(id)
  if (prepared !== undefined) votes.push(prepared)
  if (committed !== undefined) votes.push(committed)
  return votes
}
