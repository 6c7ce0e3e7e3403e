import { expect, it } from 'vitest'
import { GATE } from '../../../src/consensus/raft/messages.js'

it('what a message promises is on disk before it leaves: a change of this table is a change of the protocol', () => {
  expect(GATE).toEqual({
    RequestVote: 'durable',
    RequestVoteReply: 'durable',
    PreVote: 'none',
    PreVoteReply: 'durable',
    AppendEntries: 'none',
    AppendEntriesReply: 'durable',
    TimeoutNow: 'none',
    ReadIndex: 'none',
    ReadIndexReply: 'durable',
    Forward: 'none',
    FetchEntries: 'none',
    FetchEntriesReply: 'durable',
  })
})
