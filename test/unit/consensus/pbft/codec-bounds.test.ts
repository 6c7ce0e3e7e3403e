/** What a message may announce before anybody has verified it. */
import { expect, it } from 'vitest'
import {
  decodeMessage,
  encodeMessage,
  FORWARD_REQUESTS_MAX,
} from '../../../../src/consensus/pbft/codec.js'
import { SIGNERS_MAX } from '../../../../src/consensus/pbft/encoding.js'
import type { Commit, Message } from '../../../../src/consensus/pbft/messages.js'
import { NODES_MAX } from '../../../../src/crypto/cluster-file.js'
import { checkpoint, commit, D1, prepare } from '../../../support/pbft-statements.js'

const read = (message: Message) => decodeMessage(new Uint8Array(encodeMessage(message)))
const times = <T>(n: number, make: () => T): T[] => Array.from({ length: n }, make)

it('lists of statements are as long as there may be replicas, and not longer', () => {
  const checkpoints = (n: number) => times(n, () => checkpoint('n4', 4))
  expect(read({ type: 'StableCheckpoint', checkpoints: checkpoints(SIGNERS_MAX) })).not.toBeNull()
  expect(read({ type: 'StableCheckpoint', checkpoints: checkpoints(SIGNERS_MAX + 1) })).toBeNull()
  const commits = (n: number): Commit[] => times(n, () => commit('n4', 0, 4, D1))
  expect(read({ type: 'CommittedBatch', commits: commits(3), batch: null })).not.toBeNull()
  expect(
    read({ type: 'CommittedBatch', commits: commits(SIGNERS_MAX + 1), batch: null }),
  ).toBeNull()
})

it('a whole cluster, however large its file lets it be, fits into a list', () => {
  expect(SIGNERS_MAX).toBe(NODES_MAX)
})

it('a Forward has no more requests than one piece has', () => {
  const request = { session: 1, seq: 1, ackedThrough: 0, command: Uint8Array.of(1) }
  const forward = (n: number): Message => ({ type: 'Forward', requests: times(n, () => request) })
  expect(read(forward(FORWARD_REQUESTS_MAX))).not.toBeNull()
  expect(read(forward(FORWARD_REQUESTS_MAX + 1))).toBeNull()
})

it('a sender is a name', () => {
  expect(read(prepare('x'.repeat(64), 0, 1))).not.toBeNull()
  expect(read(prepare('x'.repeat(65), 0, 1))).toBeNull()
})

it('a vote that is kept does not keep what it came in', () => {
  const bytes = encodeMessage(prepare('n2', 0, 1))
  const frame = new Uint8Array(1024 * 1024)
  frame.set(bytes, 100)
  const vote = decodeMessage(frame.subarray(100, 100 + bytes.length))
  expect(vote !== null && 'signature' in vote && vote.signature.buffer.byteLength).toBeLessThan(100)
})
