/**
 * Entering a view (OSDI 1999 §4.4): its primary shows Q view changes and what follows from them, and everybody computes
 * for himself whether it does. What may follow from a given V is one thing only: a primary has nothing to choose but
 * which Q it shows.
 */

import type { Index } from '../ids.js'
import { onStableCheckpoint, rulesOf } from './checkpoint.js'
import { executeCommitted, fetchBatch } from './execution.js'
import type { Digest, NewView, ViewChange } from './messages.js'
import { advance, inWindow, markProposed, prepare, proposeQueued, slotAt } from './ordering.js'
import { viewChangeProblem } from './proofs.js'
import { areDistinctReplicas, primaryOf, quorum } from './quorum.js'
import { handOver } from './requests.js'
import { enterView } from './slot.js'
import { isPrimary, others, type PbftOut, primary, requestKey, type State } from './state.js'
import { digestOf, signNewView, signProposed } from './statements.js'

/** What follows from a set of view changes. */
export interface Consequence {
  /** min-s: the highest h that one of them proves. */
  readonly from: Index
  /** max-s: the highest index that one of them shows prepared. */
  readonly through: Index
  /** For each index in (from, through]; the null digest where nobody shows anything. */
  readonly digests: readonly Digest[]
}

/** O, before it is signed. For each index the certificate of the highest view holds: a later one had seen the earlier. */
export function consequenceOf(viewChanges: readonly ViewChange[], nullDigest: Digest): Consequence {
  const from = Math.max(0, ...viewChanges.map((m) => m.stable))
  const best = new Map<Index, { view: number; digest: Digest }>()
  for (const m of viewChanges) {
    for (const { proposed } of m.prepared) {
      const known = best.get(proposed.index)
      if (known === undefined || known.view < proposed.view) best.set(proposed.index, proposed)
    }
  }
  const through = Math.max(from, ...best.keys())
  const digests: Digest[] = []
  for (let index = from + 1; index <= through; index++)
    digests.push(best.get(index)?.digest ?? nullDigest)
  return { from, through, digests }
}

/** As the primary of the view that Q ask for. */
export function tryNewView(s: State, asking: readonly ViewChange[], out: PbftOut): void {
  if (!isPrimary(s) || s.mute || !s.viewChanges.has(s.id)) return
  const viewChanges = [...asking].sort((a, b) => (a.sender < b.sender ? -1 : 1))
  const { from, digests } = consequenceOf(viewChanges, digestOf(s, null))
  const proposals = digests.map((digest, i) =>
    signProposed(s, { view: s.view, index: from + 1 + i, digest }),
  )
  const m = signNewView(s, { view: s.view, viewChanges, proposals })
  out.note({ rule: '4.4', event: 'new-view-sent', term: s.view })
  adopt(s, m, out)
}

export function onNewView(s: State, m: NewView, out: PbftOut): void {
  const about = { rule: '4.4', peer: m.sender, term: m.view }
  if (m.view < s.view || (m.view === s.view && s.active))
    return out.note({ ...about, event: 'stale-message' })
  const problem = newViewProblem(s, m)
  if (problem === null) return adopt(s, m, out)
  out.note({ ...about, event: 'new-view-refused', detail: problem })
  // Its own primary said it: that view will never come.
  if (m.view === s.view && m.sender === primary(s)) s.viewChangeElapsed = s.viewChangeTicks
}

/** Everything is computed anew and compared; null: it is what its view changes lead to. */
export function newViewProblem(s: State, m: NewView): string | null {
  const rules = rulesOf(s)
  const { replicas, epoch } = rules
  if (m.epoch !== epoch) return 'of another epoch'
  if (m.sender !== primaryOf(replicas, m.view)) return 'of somebody else than the primary'
  if (!areDistinctReplicas(m.viewChanges, replicas))
    return 'view changes of replicas that are not distinct'
  if (m.viewChanges.length < quorum(replicas.length)) return 'fewer than Q view changes'
  for (const one of m.viewChanges) {
    if (one.view !== m.view) return `a view change of ${one.sender} to another view`
    const problem = viewChangeProblem(one, rules)
    if (problem !== null) return `the view change of ${one.sender}: ${problem}`
  }
  const { from, digests } = consequenceOf(m.viewChanges, digestOf(s, null))
  if (m.proposals.length !== digests.length) return 'more or fewer proposals than follow'
  for (const [i, proposed] of m.proposals.entries()) {
    const { view, index, digest, sender } = proposed
    if (proposed.epoch !== epoch || sender !== m.sender || view !== m.view)
      return 'a proposal that is not of this primary in this view'
    if (index !== from + 1 + i || digest !== digests[i])
      return `another proposal for ${from + 1 + i}`
  }
  return null
}

/** The view is ours, and its proposals are accepted on its word: they were judged when they were first proposed. */
function adopt(s: State, m: NewView, out: PbftOut): void {
  s.view = m.view
  s.active = true
  s.newView = m
  s.viewChangeElapsed = null
  s.primarySuspected = false
  s.executedInView = 0
  s.frozenElapsed = 0
  s.parked = []
  s.primary = null
  for (const waiting of s.waiting.values()) waiting.elapsed = 0
  for (const [sender, one] of s.viewChanges) if (one.view <= s.view) s.viewChanges.delete(sender)
  out.persist({ type: 'NewViewAccepted', newView: m })
  // Before anything is proposed in it: who is not in the view yet passes over its proposals.
  if (m.sender === s.id) for (const id of others(s)) out.send(id, m)
  out.note({ rule: '4.4', event: 'new-view-accepted', peer: m.sender, term: m.view })
  for (const slot of s.slots.values()) enterView(slot)
  takeOver(s, m)
  const highest = highestStable(m)
  if (highest !== null && highest.stable > s.stable.index)
    onStableCheckpoint(s, highest.checkpoints, out)
  for (const { index } of m.proposals) resume(s, index, out)
  if (isPrimary(s)) lead(s, m, out)
  else handOver(s, out)
  executeCommitted(s, out)
}

/** The new view's proposals stand in their slots, and what it proves to be stable is left alone. */
export function takeOver(s: State, m: NewView): void {
  s.floor = highestStable(m)?.stable ?? 0
  const nullDigest = digestOf(s, null)
  for (const proposed of m.proposals) {
    if (proposed.index <= s.stable.index) continue
    const slot = slotAt(s, proposed.index)
    slot.proposed = proposed
    if (proposed.digest === nullDigest) slot.batches.set(nullDigest, null)
    markProposed(s, slot.batches.get(proposed.digest))
  }
}

/** Vote on it if its batch is here; else ask for it. */
function resume(s: State, index: Index, out: PbftOut): void {
  const slot = s.slots.get(index)
  const digest = slot?.proposed?.digest
  if (slot === undefined || digest === undefined) return
  if (!slot.batches.has(digest)) return fetchBatch(s, slot, out)
  prepare(s, slot, out)
  if (inWindow(s, index)) advance(s, slot, out)
}

function highestStable(m: NewView): ViewChange | null {
  let best: ViewChange | null = null
  for (const one of m.viewChanges) if (best === null || one.stable > best.stable) best = one
  return best
}

/** The primary goes on behind what it had to take over, with what waits here. */
export function lead(s: State, m: NewView | null, out: PbftOut): void {
  const proposals = m?.proposals ?? []
  const from = m === null ? 0 : (highestStable(m)?.stable ?? 0)
  const proposed = new Set<string>()
  // What was executed before is agreed on again and not executed again: a retry of it needs an index of its own.
  for (const { index, digest } of proposals.filter((one) => one.index > s.lastExecuted))
    for (const request of s.slots.get(index)?.batches.get(digest)?.requests ?? [])
      proposed.add(requestKey(request))
  const queue = [...s.waiting.values()].map((one) => one.request)
  s.primary = {
    queue: queue.filter((request) => !proposed.has(requestKey(request))),
    proposed,
    lastProposed: Math.max(from, proposals.at(-1)?.index ?? 0, s.stable.index),
    timedBatch: { index: 0, time: 0 },
  }
  proposeQueued(s, out)
}
