/**
 * What must hold of one node: at every instant, and between two instants. The simulator checks both after every step.
 */
import type { Index, NodeId } from '../ids.js'
import { isVoter } from '../quorum.js'
import { leaderIsAlive } from './election.js'
import {
  baseOf,
  firstMissing,
  isWhole,
  type Log,
  lastEntry,
  lastIndex,
  snapshotIndex,
  termAt,
} from './log.js'
import { configurationOf, type State } from './state.js'
import { continuedTime, timeOfLog } from './time.js'

/** The first rule that is broken, in words; null when all hold. */
export function checkState(s: State): string | null {
  const last = lastIndex(s.log)
  if (s.lastApplied > s.commitIndex) return 'applied beyond commitIndex'
  if (s.commitIndex > last) return 'commitIndex beyond the log'
  if (s.durableIndex > last) return 'durableIndex beyond the log'
  if (snapshotIndex(s.log) > s.commitIndex) return 'a snapshot covers what is not committed'
  if (s.log.offset.index > baseOf(s.log).index) return 'the log was compacted beyond the snapshot'
  if (s.log.entries.length !== s.log.batches.length) return 'an entry has no batch'
  const first = s.log.entries[0]
  if (first !== undefined && first.index !== s.log.offset.index + 1)
    return 'the log begins elsewhere'
  if (first !== undefined && first.term < s.log.offset.term)
    return 'terms go back behind the snapshot'
  if (last !== s.log.offset.index + s.log.entries.length)
    return 'an index is not its place in the log'
  if (lastEntry(s.log).term > s.term) return 'an entry is of a later term than the node'
  const { term } = lastEntry(s.log)
  if (term > s.agreedTerm) return 'an entry is of a later term than any leader that was heard'
  if (term === s.agreedTerm && s.agreedTime < timeOfLog(s)) return 'an entry is of a later time'
  if (s.persistedBatch > s.batch) return 'a batch is on disk before it was emitted'
  return checkHoles(s) ?? checkRole(s) ?? checkBounds(s)
}

/** What is missing is known to be: nothing at or behind it counts (docs/decisions/0004). */
function checkHoles(s: State): string | null {
  const { log } = s
  const missing = firstMissing(log)
  if (s.commitIndex >= missing) return 'committed what is missing'
  if (s.durableIndex >= missing) return 'vouches for what is missing'
  if ((s.repair === null) !== isWhole(log)) return 'does not know whether its log is whole'
  if (log.lostBase !== null && log.snapshot !== null) return 'a lost snapshot is there'
  if (!isWhole(log) && s.role.type !== 'follower') return 'a node with a damaged log campaigns'
  return holesFit(log) ? null : 'a hole is where no entry is'
}

function holesFit(log: Log): boolean {
  let before = baseOf(log).index
  for (const hole of log.holes) {
    if (hole <= before || hole > lastIndex(log)) return false
    before = hole
  }
  return true
}

function checkRole(s: State): string | null {
  if (s.role.type === 'candidate' && s.votedFor !== s.id)
    return 'a candidate did not vote for itself'
  if (s.role.type !== 'leader') return null
  if (s.votedFor !== s.id) return 'a leader did not vote for itself'
  if (!isVoter(configurationOf(s), s.id)) return 'a node that is no voter leads'
  const last = lastIndex(s.log)
  for (const [peer, p] of s.role.progress) {
    if (p.matchIndex > last) return `the match of ${peer} is beyond the log`
    if (p.nextIndex <= p.matchIndex) return `the next of ${peer} is not above its match`
  }
  const { time } = s.role
  if (s.agreedTime > time.base + Math.max(0, s.now - time.at))
    return 'agreed time runs ahead of its leader'
  // Those of former terms may be committed, and not known to be.
  let changes = 0
  for (const { index } of s.configurations)
    if (index > s.commitIndex && termAt(s.log, index) === s.term) changes++
  return changes > 1 ? 'two changes of the configuration at once' : null
}

/** What waits anywhere is bounded: else one slow peer or one eager client takes all the memory. */
function checkBounds(s: State): string | null {
  const { readsMax, uncommittedRequestsMax, inflightMessagesMax, inflightBytesMax } = s.options
  if (s.role.type === 'follower' && s.role.reads.length > readsMax) return 'too many reads wait'
  if (s.role.type !== 'leader') return null
  const { uncommitted, queued, confirming, progress } = s.role
  if (uncommitted.requests < 0 || uncommitted.bytes < 0) return 'uncommitted went below zero'
  if (uncommitted.requests > uncommittedRequestsMax) return 'too many uncommitted requests'
  if (queued.length > readsMax || (confirming?.reads.length ?? 0) > readsMax)
    return 'too many reads wait for a round'
  if (s.snapshotsOut.size > progress.size) return 'more snapshots are out than there are peers'
  for (const [peer, { inflight, inflightBytes }] of progress) {
    // The last message may reach beyond: it went while there was room.
    const last = inflight.at(-1)?.bytes ?? 0
    const fits = last === 0 ? inflightBytes === 0 : inflightBytes - last < inflightBytesMax
    if (inflight.length > inflightMessagesMax || !fits) return `too much in flight to ${peer}`
  }
  return null
}

/** What of a state later states are held against. */
export interface Before {
  readonly term: number
  readonly votedFor: NodeId | null
  readonly commitIndex: Index
  readonly lastApplied: Index
  readonly leading: boolean
  readonly lastIndex: Index
  readonly agreedTime: number
  readonly agreedTerm: number
  /** Where it would go on if it were elected. */
  readonly continuedTime: number
  /** It leads, or has heard its leader within an election timeout. */
  readonly hearsLeader: boolean
}

export function remember(s: State): Before {
  return {
    term: s.term,
    votedFor: s.votedFor,
    commitIndex: s.commitIndex,
    lastApplied: s.lastApplied,
    leading: s.role.type === 'leader',
    lastIndex: lastIndex(s.log),
    agreedTime: s.agreedTime,
    agreedTerm: s.agreedTerm,
    continuedTime: continuedTime(s),
    hearsLeader: leaderIsAlive(s),
  }
}

export function checkTransition(before: Before, s: State): string | null {
  if (s.term < before.term) return 'the term went back'
  if (s.term === before.term && before.votedFor !== null && s.votedFor !== before.votedFor)
    return 'the vote of a term changed'
  if (s.commitIndex < before.commitIndex) return 'commitIndex went back'
  if (s.lastApplied < before.lastApplied) return 'lastApplied went back'
  if (s.agreedTerm < before.agreedTerm) return 'the term of agreed time went back'
  // A later leader may go on from less than a former one that led nobody.
  if (s.agreedTerm === before.agreedTerm && s.agreedTime < before.agreedTime)
    return 'agreed time went back'
  const stillLeads = before.leading && s.role.type === 'leader' && s.term === before.term
  if (stillLeads && lastIndex(s.log) < before.lastIndex) return 'a leader truncated its own log'
  const elected = s.role.type === 'leader' && !stillLeads
  if (elected && s.agreedTime !== before.continuedTime) return 'agreed time leaps with a new leader'
  return null
}
