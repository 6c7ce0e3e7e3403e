/** What a message may announce before anybody has verified it. */
import { expect, it } from 'vitest'
import type { Request } from '../../../../src/consensus/contract.js'
import {
  decodeMessage,
  encodeMessage,
  FORWARD_REQUESTS_MAX,
} from '../../../../src/consensus/pbft/codec.js'
import {
  BATCH_REQUESTS_MAX,
  encodeBatch,
  SIGNATURE_BYTES_MAX,
  SIGNERS_MAX,
} from '../../../../src/consensus/pbft/encoding.js'
import { DEFAULT_OPTIONS, pbft } from '../../../../src/consensus/pbft/index.js'
import type { Batch, Commit, Message } from '../../../../src/consensus/pbft/messages.js'
import { NODES_MAX } from '../../../../src/crypto/cluster-file.js'
import { SIGNATURE_BYTES } from '../../../../src/crypto/ports.js'
import { pbftSim } from '../../../../src/sim/pbft.js'
import { drawSwarm } from '../../../../src/sim/swarm.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'
import { checkpoint, commit, D1, prepare, proposed } from '../../../support/pbft-statements.js'

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

it('a batch has no more requests than a primary proposes, wherever it comes in', () => {
  const request = { session: 1, seq: 1, ackedThrough: 0, command: Uint8Array.of(1) }
  const batch = (n: number): Batch => ({ time: 1, requests: times(n, () => request) })
  const messages = (n: number): Message[] => [
    { type: 'PrePrepare', proposed: proposed(0, 1), batch: batch(n) },
    { type: 'FetchedBatch', index: 1, batch: batch(n) },
    { type: 'CommittedBatch', commits: [commit('n4', 0, 4, D1)], batch: batch(n) },
  ]
  for (const message of messages(BATCH_REQUESTS_MAX)) expect(read(message)).not.toBeNull()
  for (const message of messages(BATCH_REQUESTS_MAX + 1)) expect(read(message)).toBeNull()
})

it('an honest primary proposes no more than a batch may have', () => {
  expect(DEFAULT_OPTIONS.batchRequestsMax).toBe(BATCH_REQUESTS_MAX)
  expect(() => new PbftCluster(4, { batchRequestsMax: BATCH_REQUESTS_MAX + 1 })).toThrow(
    'a batch is no longer than its list',
  )
  const sim = (entryRequestsMax: number) => pbftSim.options({ ...drawSwarm(1), entryRequestsMax })
  expect(sim(1_000_000).batchRequestsMax).toBe(BATCH_REQUESTS_MAX)
})

it('what a log holds is read whatever is bounded since', () => {
  const request = { session: 1, seq: 1, ackedThrough: 0, command: Uint8Array.of(1) }
  const batch = { time: 1, requests: times(BATCH_REQUESTS_MAX + 1, () => request) }
  const records = [{ type: 'Body', index: 1, batch } as const]
  expect(pbft.decodeRecords(pbft.encodeRecords(records))).toEqual(records)
})

it('a signature is as long as one is', () => {
  const of = (length: number): Message => ({
    ...prepare('n2', 0, 1),
    signature: new Uint8Array(length),
  })
  expect(SIGNATURE_BYTES_MAX).toBe(SIGNATURE_BYTES)
  expect(read(of(SIGNATURE_BYTES_MAX))).not.toBeNull()
  expect(read(of(SIGNATURE_BYTES_MAX + 1))).toBeNull()
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

/** As it comes in: with much else in one frame. */
function readFrom(frameBytes: number, message: Message): Message | null {
  const bytes = encodeMessage(message)
  const frame = new Uint8Array(frameBytes)
  frame.set(bytes, 100)
  return decodeMessage(frame.subarray(100, 100 + bytes.length))
}

const request = (bytes: number) => ({
  ...{ session: 1, seq: 1, ackedThrough: 0 },
  ...{ command: new Uint8Array(bytes).fill(7), auth: new Uint8Array(100).fill(8) },
})

/** Of all that the requests lie in. */
function keptBytes(requests: readonly Request[]): number {
  const buffers = new Set<ArrayBufferLike>()
  for (const { command, auth = command } of requests) buffers.add(command.buffer).add(auth.buffer)
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
}

it('nor does a batch, of which all is kept, unless it is most of that', () => {
  const of = (frameBytes: number, bytes: number) => {
    const batch = { time: 1, requests: [request(bytes), request(bytes)] }
    const messages: Message[] = [
      { type: 'PrePrepare', proposed: proposed(0, 1), batch },
      { type: 'FetchedBatch', index: 1, batch },
      { type: 'CommittedBatch', commits: [commit('n4', 0, 4, D1)], batch },
    ]
    return messages.map((message) => {
      const decoded = readFrom(frameBytes, message)
      if (decoded === null || !('batch' in decoded) || decoded.batch === null) return -1
      expect(decoded.batch).toEqual(batch)
      // What is written again, to the disk or a peer, is kept too.
      expect(encodeBatch(decoded.batch).buffer).toBe(decoded.batch.requests[0]?.command.buffer)
      return keptBytes(decoded.batch.requests)
    })
  }
  for (const kept of of(1024 * 1024, 1_000)) expect(kept).toBeLessThan(2_500)
  // No copy where it would gain nothing.
  for (const kept of of(4_000, 1_000)) expect(kept).toBe(4_000)
})

it('nor does a request that is handed on and waits, whatever came with it', () => {
  const requests = [request(1_000_000), request(10), { ...request(20), auth: undefined }]
  const sent = requests.map(({ auth, ...rest }) => (auth === undefined ? rest : { ...rest, auth }))
  const decoded = readFrom(1024 * 1024, { type: 'Forward', requests: sent })
  if (decoded?.type !== 'Forward') throw new Error('no Forward')
  expect(decoded.requests).toEqual(sent)
  const [large, small, bare] = decoded.requests
  expect(keptBytes([small!])).toBe(110)
  expect(keptBytes([bare!])).toBe(20)
  // It is what its frame consists of.
  expect(keptBytes([large!])).toBe(1024 * 1024)
})
