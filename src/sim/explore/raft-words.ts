/** Raft's messages and nodes in a few words, for the steps of a path. */

import type { Message, Raft } from '../../consensus/raft/index.js'
import type { EntryId, LogEntry } from '../../consensus/raft/messages.js'

export function describeMessage(m: Message): string {
  const head = `${m.type} term ${m.term}`
  switch (m.type) {
    case 'PreVote':
    case 'RequestVote':
      return `${head}, log ends ${place(m.lastLog)}`
    case 'PreVoteReply':
    case 'RequestVoteReply':
      return `${head}, ${m.voteGranted ? 'granted' : 'denied'}`
    case 'AppendEntries':
      return `${head}, after ${place(m.prev)}: ${entries(m.entries)}, commit ${m.leaderCommit}`
    case 'AppendEntriesReply':
      return m.accepted
        ? `${head}, has ${m.matchIndex}`
        : `${head}, rejects ${m.rejected}, has ${place(m.hint)}`
    default:
      return head
  }
}

export function describeCore({ state }: Raft): string {
  const { role, term, log, commitIndex } = state
  return `${role.type} of term ${term}, log ${entries(log.entries.slice(1))}, commit ${commitIndex}`
}

/** Index and term, as 3/2. */
function place(id: EntryId): string {
  return `${id.index}/${id.term}`
}

function entries(list: readonly LogEntry[]): string {
  if (list.length === 0) return 'nothing'
  return list
    .map((entry) => {
      const asked = entry.requests.map((request) => `x${request.seq}`).join('+')
      return asked === '' ? place(entry) : `${place(entry)} ${asked}`
    })
    .join(' ')
}
