/**
 * Puts a representative in the place of what no future step can tell apart; docs/small-worlds.md says why each line is
 * sound. A proof that does not hold is left as it is: then something is broken, and is to be seen.
 */
import type {
  Commit,
  Message,
  PreparedCertificate,
  ViewChange,
} from '../../../consensus/pbft/messages.js'
import { commitsProblem, preparedProblem, type Rules } from '../../../consensus/pbft/proofs.js'
import { primaryOf, quorum } from '../../../consensus/pbft/quorum.js'
import type { Slot } from '../../../consensus/pbft/slot.js'
import type { State } from '../../../consensus/pbft/state.js'
import { NOW_MS } from '../adapter.js'
import type { Setting } from './setting.js'

export function rulesOf({ ids, options }: Setting): Rules {
  return { replicas: ids, epoch: 0, windowIndices: options.windowIndices }
}

/** Proofs in their normal form, which never change. */
export type Normal = WeakSet<object>

export function normalise(s: State, setting: Setting, normal: Normal = new WeakSet()): void {
  const { options } = setting
  const rules = rulesOf(setting)
  // Time is free: whoever waits may have waited long enough at any moment.
  s.now = NOW_MS
  s.viewChangeElapsed = null
  s.viewChangeTicks = options.viewChangeTicks
  s.requestTicks = options.requestTicks
  s.statusElapsed = 0
  s.frozenElapsed = 0
  s.behindElapsed = 0
  s.askedInVainElapsed = null
  // Before enough were heard nobody grows impatient by itself; here that is decided by the world.
  s.heard.clear()
  s.heardElapsed = options.statusTicks
  s.executedInView = 0
  s.primarySuspected = false
  for (const waiting of s.waiting.values()) {
    waiting.elapsed = 0
    waiting.toldElapsed = 0
    // Whom it was told is of interest where it is told again, which here it is not.
    waiting.told = 0
    waiting.handedIn = null
    waiting.proposedIn = null
  }
  // Nobody forwards anything, so nobody asks what was executed lately.
  s.justExecuted.clear()
  // All is on disk, and batches are compared with the last that is.
  s.batch = 0
  s.persistedBatch = 0
  // Whoever said it can be heard again at any moment: what others said is kept by nobody.
  for (const sender of s.viewChanges.keys()) if (sender !== s.id) s.viewChanges.delete(sender)
  for (const slot of s.slots.values()) normaliseSlot(slot, s, { rules, normal })
  // It was made when somebody spoke of the index, and holds nothing.
  for (const [index, slot] of s.slots) if (isEmpty(slot)) s.slots.delete(index)
  if (s.newView !== null && s.newView.viewChanges.length > 0)
    s.newView = { ...s.newView, viewChanges: [] }
  if (s.viewChange !== null) {
    s.viewChange = once(s.viewChange, normal, (m) => sameProofs(m, rules))
    if (s.viewChanges.has(s.id)) s.viewChanges.set(s.id, s.viewChange)
  }
}

/** What it said, likewise. */
export function normaliseSaid(said: Map<string, Message>, setting: Setting): void {
  const rules = rulesOf(setting)
  for (const [key, m] of said) {
    if (m.type === 'ViewChange') said.set(key, sameProofs(m, rules))
    if (m.type !== 'NewView') continue
    said.set(key, { ...m, viewChanges: m.viewChanges.map((one) => sameProofs(one, rules)) })
  }
}

function sameProofs(m: ViewChange, rules: Rules): ViewChange {
  return { ...m, prepared: m.prepared.map((one) => sameProof(one, rules)) }
}

function normaliseSlot(
  slot: Slot,
  s: State,
  { rules, normal }: { readonly rules: Rules; readonly normal: Normal },
): void {
  slot.elapsed = 0
  slot.fetchElapsed = null
  for (const sender of slot.prepares.keys()) if (sender !== s.id) slot.prepares.delete(sender)
  for (const sender of slot.commits.keys()) if (sender !== s.id) slot.commits.delete(sender)
  if (slot.prepared !== null)
    slot.prepared = once(slot.prepared, normal, (proof) => sameProof(proof, rules))
  if (slot.committed !== null)
    slot.committed = once(slot.committed, normal, (proof) => sameCommits(proof, rules))
}

function once<T extends object>(proof: T, normal: Normal, of: (proof: T) => T): T {
  if (normal.has(proof)) return proof
  const made = of(proof)
  normal.add(made)
  return made
}

function isEmpty(slot: Slot): boolean {
  const { proposed, prepared, committed, batches, prepares, commits, preparedIn } = slot
  const bare = proposed === null && prepared === null && committed === null && preparedIn === null
  return bare && batches.size === 0 && prepares.size === 0 && commits.size === 0
}

/** Who signed a certificate that holds makes no difference to anybody: here it is always the same ones. */
function sameProof(certificate: PreparedCertificate, rules: Rules): PreparedCertificate {
  const [any] = certificate.prepares
  if (any === undefined || preparedProblem(certificate, rules) !== null) return certificate
  const { view } = certificate.proposed
  const backups = rules.replicas.filter((id) => id !== primaryOf(rules.replicas, view))
  const needed = quorum(rules.replicas.length) - 1
  return {
    ...certificate,
    prepares: backups.slice(0, needed).map((sender) => ({ ...any, sender })),
  }
}

function sameCommits(commits: readonly Commit[], rules: Rules): readonly Commit[] {
  const [any] = commits
  if (any === undefined || commitsProblem(commits, rules) !== null) return commits
  const needed = quorum(rules.replicas.length)
  return rules.replicas.slice(0, needed).map((sender) => ({ ...any, sender }))
}
