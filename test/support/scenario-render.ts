/** How a scenario's trace reads: one line for each message, note and state, the same on every run. */
import { latin1Decode } from '../../src/base/latin1.js'
import type { Outcome } from '../../src/consensus/contract.js'
import { isHole, lastIndex } from '../../src/consensus/raft/log.js'
import type { EntryId, LogEntry, Message } from '../../src/consensus/raft/messages.js'
import type { NoteEvent, RaftNote } from '../../src/consensus/raft/notes.js'
import { leaderOf, type State } from '../../src/consensus/raft/state.js'

/** Index and term, as `4/2`. */
export function renderId(id: EntryId): string {
  return `${id.index}/${id.term}`
}

export function renderCommands(entry: Pick<LogEntry, 'requests'>): string {
  return entry.requests.map((request) => latin1Decode(request.command)).join('+')
}

function renderEntry(entry: LogEntry): string {
  const what = entry.configuration === null ? renderCommands(entry) : 'members'
  return what === '' ? renderId(entry) : `${renderId(entry)}:${what}`
}

export function renderMessage(m: Message): string {
  return `${m.type} t${m.term} ${renderBody(m)}`.trimEnd()
}

function renderBody(m: Message): string {
  switch (m.type) {
    case 'RequestVote':
      return `last=${renderId(m.lastLog)}${m.transfer ? ' transfer' : ''}`
    case 'PreVote':
      return `last=${renderId(m.lastLog)}`
    case 'RequestVoteReply':
    case 'PreVoteReply':
      return m.voteGranted ? 'granted' : 'denied'
    case 'AppendEntries': {
      const entries = m.entries.length > 0 ? ` entries=${m.entries.map(renderEntry).join(',')}` : ''
      const round = m.round > 0 ? ` round=${m.round}` : ''
      return `prev=${renderId(m.prev)}${entries} commit=${m.leaderCommit}${round}`
    }
    case 'AppendEntriesReply': {
      const round = m.round > 0 ? ` round=${m.round}` : ''
      const start = m.incarnation > 1 ? ` start=${m.incarnation}` : ''
      const what = m.accepted
        ? `match=${m.matchIndex}`
        : `rejected=${m.rejected} hint=${renderId(m.hint)}`
      return `${what}${round}${start}`
    }
    case 'TimeoutNow':
      return ''
    case 'ReadIndex':
      return `r${m.id.number}`
    case 'ReadIndexReply':
      return `r${m.id.number} index=${m.index}`
    case 'Forward':
      return m.requests.map((request) => `${request.session}/${request.seq}`).join(',')
    case 'FetchEntries': {
      const base = m.snapshotAtLeast > 0 ? ` snapshot>=${m.snapshotAtLeast}` : ''
      return `wanted=${m.wanted.map(renderId).join(',')}${base}`
    }
    case 'FetchEntriesReply': {
      const entries = m.entries.length > 0 ? ` entries=${m.entries.map(renderEntry).join(',')}` : ''
      const absent = m.absent.length > 0 ? ` absent=${m.absent.map(renderId).join(',')}` : ''
      return `${entries}${absent}${m.snapshotAbsent ? ' no-snapshot' : ''}`.trimStart()
    }
  }
}

const SENTENCES: { readonly [K in NoteEvent]: string } = {
  'became-follower': 'follows in term TERM',
  'became-pre-candidate': 'asks whether it could win term TERM',
  'became-candidate': 'is a candidate in term TERM',
  'became-leader': 'leads term TERM',
  'stepped-down-without-quorum': 'heard no majority for an election timeout and steps down',
  'stepped-down-slow-disk': 'waits for its disk for too long and steps down',
  'vote-granted': 'votes for PEER in term TERM',
  'vote-denied': 'denies PEER its vote in term TERM',
  'pre-vote-granted': 'would vote for PEER in term TERM',
  'pre-vote-denied': 'would not vote for PEER in term TERM',
  'vote-ignored-leader-alive': 'hears its leader and ignores that PEER asks for a vote',
  'stale-message': 'refuses DETAIL of term TERM from PEER',
  'stale-reply': 'ignores a stale reply of PEER',
  'append-rejected': 'has no such entry INDEX as PEER says',
  'append-below-commit': 'has committed all of that already',
  'log-truncated': 'truncates its log from INDEX on',
  'progress-probe': 'probes PEER from INDEX on',
  'progress-replicate': 'streams to PEER from INDEX on',
  'progress-snapshot': 'sees that PEER needs the snapshot through INDEX',
  'peer-restarted': 'hears another start of PEER and forgets what it had acknowledged',
  'window-full': 'has as much on the way to PEER as allowed',
  committed: 'commits INDEX',
  'read-round-started': 'starts a round for reads at INDEX',
  'read-round-confirmed': 'still leads, as a majority says: reads at INDEX may be answered',
  'read-forwarded': 'asks PEER for an index to read at',
  'read-dropped': 'does not lead and drops the read of PEER',
  'snapshot-taken': 'has a snapshot through INDEX on disk',
  'snapshot-failed': 'did not get a snapshot done',
  'snapshot-unreadable': 'cannot read its snapshot through INDEX any more',
  'snapshot-stale': 'has already what the snapshot through INDEX covers',
  'snapshot-fast-forward': 'has the entries of the snapshot through INDEX and keeps its log',
  'snapshot-installed': 'replaces its log by the snapshot through INDEX',
  'log-compacted': 'forgets its log up to INDEX',
  'transfer-started': 'prepares PEER to lead, and takes no proposals meanwhile',
  'transfer-sent': 'tells PEER to campaign at once',
  'transfer-aborted': 'gives up handing over to PEER',
  'transfer-refused': 'does not hand over to PEER',
  'timeout-now': 'campaigns because PEER asked for it',
  'proposal-refused': 'takes no proposal: DETAIL',
  'requests-forwarded': "hands its clients' requests on to PEER",
  'forward-dropped': 'does not lead and drops what PEER handed on',
  'log-damaged': 'starts with a damaged log: from INDEX on it misses DETAIL',
  'entries-wanted': 'asks PEER for what it misses from INDEX on',
  'entries-served': 'gives PEER DETAIL that it asked for',
  'entries-filled': 'gets back DETAIL from INDEX on',
  'snapshot-refused': 'does not take the snapshot through INDEX of PEER: DETAIL',
  'log-healed': 'misses nothing any more',
  'repair-hopeless': 'hears from everybody that nobody has INDEX',
  'timed-batch': 'appends an empty entry INDEX for the time in it',
}

export function renderNote(note: RaftNote): string {
  const sentence = SENTENCES[note.event]
    .replace('PEER', note.peer ?? 'a peer')
    .replace('TERM', String(note.term ?? '?'))
    .replace('INDEX', String(note.index ?? '?'))
    .replace('DETAIL', note.detail ?? '')
  return `${sentence} (${note.rule})`
}

export function renderOutcome(outcome: Outcome): string {
  switch (outcome.type) {
    case 'NotLeader':
      return `NotLeader, ${outcome.leader === null ? 'leader unknown' : `ask ${outcome.leader}`}`
    case 'Overloaded':
      return `Overloaded, ${outcome.reason}`
    case 'ReadReady':
      return `ReadReady at ${outcome.index}`
    case 'Unsupported':
      return 'Unsupported'
  }
}

/** A node in one line: role, term, vote, log, and how far it is on disk, committed and applied. */
export function renderState(s: State): string {
  const { log } = s
  const leader = leaderOf(s)
  const whom = leader === null || leader === s.id ? '' : ` of ${leader}`
  const vote = s.votedFor === null ? '' : ` voted=${s.votedFor}`
  const begin = log.offset.index > 0 ? [`..${renderId(log.offset)}`] : []
  const standing = (entry: LogEntry) =>
    isHole(log, entry.index) ? `${renderId(entry)}:LOST` : renderEntry(entry)
  if (log.lostBase !== null) begin.push('(snapshot LOST)')
  const entries = [...begin, ...log.entries.map(standing)].join(' ')
  const snapshot = log.snapshot === null ? '' : ` snapshot=${log.snapshot.index}`
  const disk = s.durableIndex < lastIndex(log) && s.repair === null ? ` disk=${s.durableIndex}` : ''
  return `${s.role.type}${whom} t${s.term}${vote} log=[${entries}]${snapshot}${disk} commit=${s.commitIndex}`
}
