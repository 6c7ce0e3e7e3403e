/** What Raft promises (Figure 3 of the paper), over all nodes of a world and over what its path has seen. */
import type { NodeId } from '../../consensus/ids.js'
import type { Message } from '../../consensus/raft/messages.js'
import type { WalRecord } from '../../consensus/raft/records.js'

export interface RaftFacts {
  readonly term: number
  readonly leads: boolean
  readonly commitIndex: number
  /** In memory, from index 1 on: the term of each entry, and term and content as text. */
  readonly terms: readonly number[]
  readonly log: readonly string[]
  /** The same of what is synced. */
  readonly durable: readonly string[]
}

export interface RaftGhost {
  /** By term: the place of the node that led it. */
  readonly leaders: readonly (number | null)[]
  /** From index 2 on: the entry that somebody committed, and the term in which it was first. */
  readonly committed: readonly { readonly entry: string; readonly inTerm: number }[]
}

export const NO_GHOST: RaftGhost = { leaders: [], committed: [] }

export function renameGhost(ghost: RaftGhost, to: readonly number[]): RaftGhost {
  const leaders = ghost.leaders.map((at) => (at === null ? null : (to[at] ?? null)))
  return { ...ghost, leaders }
}

/** After a step of node `at`; all others are as they were. */
export function judge(
  ghost: RaftGhost,
  facts: readonly RaftFacts[],
  at: number,
): RaftGhost | string {
  const mine = facts[at]
  if (mine === undefined) return 'no such node'
  const led = mine.leads ? recordLeader(ghost, mine.term, at) : ghost
  if (typeof led === 'string') return led
  const committed = recordCommits(led, mine, facts)
  if (typeof committed === 'string') return committed
  return (
    stateMachineSafety(committed, mine) ??
    leaderCompleteness(committed, facts) ??
    logMatching(facts, at) ??
    committed
  )
}

/** Election Safety (§5.2): at most one leader in a term, over the whole path. */
function recordLeader(ghost: RaftGhost, term: number, at: number): RaftGhost | string {
  const known = ghost.leaders[term] ?? null
  if (known === at) return ghost
  if (known !== null) return `election safety: two nodes led term ${term}`
  const leaders = Array.from(
    { length: Math.max(term + 1, ghost.leaders.length) },
    (_, i) => ghost.leaders[i] ?? null,
  )
  leaders[term] = at
  return { ...ghost, leaders }
}

/** What is taken for committed the first time is on a majority of the disks at that moment. */
function recordCommits(
  ghost: RaftGhost,
  mine: RaftFacts,
  facts: readonly RaftFacts[],
): RaftGhost | string {
  if (mine.commitIndex <= ghost.committed.length + 1) return ghost
  const committed = [...ghost.committed]
  for (let index = committed.length + 2; index <= mine.commitIndex; index++) {
    const entry = mine.log[index - 1]
    if (entry === undefined) return `commit: ${index} is not in the log`
    const holders = facts.filter((one) => one.durable[index - 1] === entry).length
    if (2 * holders <= facts.length)
      return `durable commit: ${index} is on ${holders} of ${facts.length} disks`
    committed.push({ entry, inTerm: mine.term })
  }
  return { ...ghost, committed }
}

/** State Machine Safety (§5.4.3): no two nodes ever apply different entries at one index. */
function stateMachineSafety(ghost: RaftGhost, mine: RaftFacts): string | null {
  for (let index = 2; index <= mine.commitIndex; index++)
    if (ghost.committed[index - 2]?.entry !== mine.log[index - 1])
      return `state machine safety: another entry is committed at ${index}`
  return null
}

/** Leader Completeness (§5.4): whoever leads has all that was committed in the terms before its own. */
function leaderCompleteness(ghost: RaftGhost, facts: readonly RaftFacts[]): string | null {
  for (const one of facts) {
    if (!one.leads) continue
    for (const [i, { entry, inTerm }] of ghost.committed.entries())
      if (inTerm < one.term && one.log[i + 1] !== entry)
        return `leader completeness: the leader of term ${one.term} is without entry ${i + 2}`
  }
  return null
}

/** Log Matching (§5.3): where two logs agree in index and term, they agree in all up to there. */
function logMatching(facts: readonly RaftFacts[], at: number): string | null {
  const mine = facts[at]
  if (mine === undefined) return null
  for (const [i, other] of facts.entries()) {
    if (i === at) continue
    let index = Math.min(mine.terms.length, other.terms.length)
    while (index > 0 && mine.terms[index - 1] !== other.terms[index - 1]) index--
    for (; index > 0; index--)
      if (mine.log[index - 1] !== other.log[index - 1])
        return `log matching: two logs agree above ${index} and differ there`
  }
  return null
}

/**
 * A message that promises something is true of the sender's disk as it leaves: this term, this vote, these entries.
 * A later term on the disk excuses what it replaced.
 */
export function checkLeaving(
  id: NodeId,
  to: NodeId,
  m: Message,
  disk: readonly WalRecord[],
): string | null {
  if (m.type !== 'RequestVote' && m.type !== 'RequestVoteReply' && m.type !== 'AppendEntriesReply')
    return null
  let term = 1
  let votedFor: NodeId | null = null
  let last = 1
  for (const record of disk) {
    if (record.type === 'HardState') ({ term, votedFor } = record)
    if (record.type === 'Append') last = record.entries.at(-1)?.index ?? last
  }
  if (term < m.term) return `gate: ${m.type} of term ${m.term} leaves, the disk has term ${term}`
  if (term > m.term) return null
  if (m.type === 'RequestVote' && votedFor !== id)
    return 'gate: a vote is asked for, and its own is not on disk'
  if (m.type === 'RequestVoteReply' && m.voteGranted && votedFor !== to)
    return 'gate: a vote is given that is not on disk'
  if (m.type === 'AppendEntriesReply' && m.accepted && m.matchIndex > last)
    return `gate: entry ${m.matchIndex} is acknowledged, the disk ends with ${last}`
  return null
}
