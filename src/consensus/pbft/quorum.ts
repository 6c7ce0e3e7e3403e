/** Who is enough, and who proposes. Pure leaves over the ordered list of replicas. */
import { assert } from '../../base/assert.js'
import type { NodeId } from '../ids.js'

/** So many of n replicas may lie: the largest f with n >= 3f+1. */
export function faultsMax(n: number): number {
  return Math.floor((n - 1) / 3)
}

/**
 * Q: any two such sets share a replica that does not lie, and all who do not lie are one. Not 2f+1: with n = 6 and
 * f = 1 two sets of three may have nobody in common.
 */
export function quorum(n: number): number {
  return Math.ceil((n + faultsMax(n) + 1) / 2)
}

/** W: among so many there is one that does not lie. */
export function weakQuorum(n: number): number {
  return faultsMax(n) + 1
}

export function primaryOf(replicas: readonly NodeId[], view: number): NodeId {
  const primary = replicas[view % replicas.length]
  assert(primary !== undefined, 'a configuration has replicas')
  return primary
}

/** Each of them once, all of them replicas. */
export function areDistinctReplicas(
  senders: readonly { readonly sender: NodeId }[],
  replicas: readonly NodeId[],
): boolean {
  const seen = new Set<NodeId>()
  for (const { sender } of senders) {
    if (seen.has(sender) || !replicas.includes(sender)) return false
    seen.add(sender)
  }
  return true
}
