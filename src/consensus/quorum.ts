/** Who decides: majorities of simple and joint configurations (Raft §5, §6). Pure leaves. */
import type { Configuration } from './contract.js'
import { compareNodeIds, type Index, type NodeId } from './ids.js'

export type VoteResult = 'won' | 'lost' | 'pending'

export function majority(voters: readonly NodeId[]): number {
  return Math.floor(voters.length / 2) + 1
}

/** The largest index that a majority of `voters` has. Without voters nothing limits it. */
export function majorityIndex(voters: readonly NodeId[], matchOf: (id: NodeId) => Index): Index {
  if (voters.length === 0) return Number.MAX_SAFE_INTEGER
  const matches = voters.map(matchOf).sort((a, b) => b - a)
  return matches[majority(voters) - 1] ?? 0
}

/** The largest index that may commit: in a joint configuration both majorities must have it. */
export function committedIndex(
  configuration: Configuration,
  matchOf: (id: NodeId) => Index,
): Index {
  if (configuration.voters.length === 0) return 0
  return Math.min(
    majorityIndex(configuration.voters, matchOf),
    majorityIndex(configuration.votersOutgoing, matchOf),
  )
}

/** The outcome of a vote; an answer that has not come is undefined. */
export function voteResult(
  configuration: Configuration,
  voteOf: (id: NodeId) => boolean | undefined,
): VoteResult {
  if (configuration.voters.length === 0) return 'lost'
  const incoming = majorityVote(configuration.voters, voteOf)
  const outgoing = majorityVote(configuration.votersOutgoing, voteOf)
  if (incoming === 'lost' || outgoing === 'lost') return 'lost'
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending'
}

function majorityVote(
  voters: readonly NodeId[],
  voteOf: (id: NodeId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return 'won'
  let yes = 0
  let open = 0
  for (const id of voters) {
    const vote = voteOf(id)
    if (vote === undefined) open++
    else if (vote) yes++
  }
  const needed = majority(voters)
  if (yes >= needed) return 'won'
  return yes + open >= needed ? 'pending' : 'lost'
}

export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.votersOutgoing.includes(id)
}

/** Everybody to whom a leader replicates: voters of both sides and learners, each once, in order. */
export function replicaIds(configuration: Configuration): NodeId[] {
  const ids = [
    ...new Set([
      ...configuration.voters,
      ...configuration.votersOutgoing,
      ...configuration.learners,
      ...configuration.learnersNext,
    ]),
  ]
  return ids.sort(compareNodeIds)
}
