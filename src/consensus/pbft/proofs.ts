/**
 * What proves what (TOCS 2002 §4). Signatures are verified before; here it is counted who signed, and compared what.
 * Everything comes from outside: a proof that does not hold is told in words and changes nothing.
 */
import type { Index, NodeId } from '../ids.js'
import type { Checkpoint, Commit, PreparedCertificate, SlotId, ViewChange } from './messages.js'
import { areDistinctReplicas, primaryOf, quorum } from './quorum.js'

/** Against whom a proof is checked. */
export interface Rules {
  readonly replicas: readonly NodeId[]
  readonly epoch: number
  readonly windowIndices: number
}

interface FromReplica {
  readonly sender: NodeId
  readonly epoch: number
}

/** Q distinct replicas say the same of one index. */
export function stableProblem(checkpoints: readonly Checkpoint[], rules: Rules): string | null {
  const [first] = checkpoints
  if (first === undefined) return 'no checkpoints'
  const problem = signersProblem(checkpoints, quorum(rules.replicas.length), rules)
  if (problem !== null) return problem
  return checkpoints.every((c) => c.index === first.index && c.digest === first.digest)
    ? null
    : 'checkpoints that differ'
}

/** Q distinct replicas commit one batch in one view. */
export function commitsProblem(commits: readonly Commit[], rules: Rules): string | null {
  const [first] = commits
  if (first === undefined) return 'no commits'
  const problem = signersProblem(commits, quorum(rules.replicas.length), rules)
  if (problem !== null) return problem
  return commits.every((c) => isSameSlot(c, first)) ? null : 'commits that differ'
}

/** The primary of its view proposed it, and Q-1 distinct backups prepared just that. */
export function preparedProblem(certificate: PreparedCertificate, rules: Rules): string | null {
  const { proposed, prepares } = certificate
  const primary = primaryOf(rules.replicas, proposed.view)
  if (proposed.epoch !== rules.epoch) return 'a proposal of another epoch'
  if (proposed.sender !== primary) return 'a proposal of somebody else than the primary'
  if (prepares.some((prepare) => prepare.sender === primary)) return 'a prepare of the primary'
  const problem = signersProblem(prepares, quorum(rules.replicas.length) - 1, rules)
  if (problem !== null) return problem
  return prepares.every((prepare) => isSameSlot(prepare, proposed))
    ? null
    : 'prepares of something else'
}

/** A view change proves its h, and shows for each index above it at most one certificate, of an earlier view. */
export function viewChangeProblem(m: ViewChange, rules: Rules): string | null {
  if (m.epoch !== rules.epoch) return 'of another epoch'
  if (!rules.replicas.includes(m.sender)) return 'of no replica'
  if (m.view < 1) return 'nobody changes to view 0'
  if (m.stable === 0) {
    if (m.checkpoints.length > 0) return 'checkpoints of nothing'
  } else {
    const problem = stableProblem(m.checkpoints, rules)
    if (problem !== null) return `its stable checkpoint: ${problem}`
    if (m.checkpoints[0]?.index !== m.stable) return 'checkpoints of another index than its h'
  }
  let before: Index = m.stable
  for (const certificate of m.prepared) {
    const { view, index } = certificate.proposed
    if (index <= before) return 'its certificates do not ascend from its h'
    if (index > m.stable + rules.windowIndices) return 'a certificate beyond its window'
    if (view >= m.view) return 'a certificate of a view that is not over'
    const problem = preparedProblem(certificate, rules)
    if (problem !== null) return `index ${index}: ${problem}`
    before = index
  }
  return null
}

export function isSameSlot(a: SlotId, b: SlotId): boolean {
  return a.view === b.view && a.index === b.index && a.digest === b.digest
}

/** Senders, not statements, are counted: one that says it twice is one. */
function signersProblem(
  statements: readonly FromReplica[],
  needed: number,
  rules: Rules,
): string | null {
  if (statements.some(({ epoch }) => epoch !== rules.epoch)) return 'of another epoch'
  if (!areDistinctReplicas(statements, rules.replicas))
    return 'signers that are not distinct replicas'
  return statements.length >= needed ? null : `${statements.length} signers of ${needed}`
}
