/** What a frame may make its receiver keep, and do. */
import { afterEach, expect, test } from 'vitest'
import { concat, ownBytes } from '../../../src/base/bytes.js'
import { crc32c } from '../../../src/base/crc32c.js'
import { seededRandom } from '../../../src/base/random.js'
import { Writer } from '../../../src/base/varint.js'
import { Counters } from '../../../src/communicator/counters.js'
import { Door } from '../../../src/communicator/door.js'
import { makeHello } from '../../../src/communicator/handshake.js'
import { Outbox } from '../../../src/communicator/outbox.js'
import { COMMUNICATOR_LIMITS } from '../../../src/communicator/types.js'
import { ExchangeRequest } from '../../../src/gen/quorate/peer/v1/peer.js'
import { connect } from '../../../src/rpc/channel.js'
import { FRAME_MESSAGES_MAX } from '../../../src/rpc/frame-codec.js'
import { peer } from '../../../src/rpc/services.js'
import { Code } from '../../../src/rpc/status.js'
import type { Channel } from '../../../src/rpc/types.js'
import { freePorts } from '../../support/ports.js'
import { Seen, TestNode } from './support.js'

const MIB = 1024 * 1024
/** Field 15, which no message has. */
const UNKNOWN = 0x7a

let node: TestNode
let channel: Channel
afterEach(async () => {
  channel.close()
  await node.stop()
})

/** A peer that writes what bytes it likes on its stream, behind a Hello. */
async function caller(onMessage: (bytes: Uint8Array) => void) {
  const [port = 0] = await freePorts(1)
  const peers = new Map([['n1', '127.0.0.1:1']])
  node = await new TestNode('n2', port, peers, {
    onMessage: (_, bytes) => onMessage(bytes),
  }).start()
  channel = connect(`127.0.0.1:${port}`)
  const request = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes }
  const stream = channel.stream({ ...peer.exchange, request })
  const identity = { clusterId: 'c1', nodeId: 'n1', uid: 'u', incarnation: 1, groupId: 0 }
  const value = makeHello({ ...identity, protocol: 'raft' }, 'n2', new Uint8Array(0))
  stream.write(ExchangeRequest.encode({ content: { $case: 'hello', value } }).finish())
  return stream
}

function frame(messages: Uint8Array[]): Uint8Array {
  const value = { configurationEpoch: 0, groupId: 0, messages, crc32c: crc32c(concat(messages)) }
  return ExchangeRequest.encode({ content: { $case: 'frame', value } }).finish()
}

test('a message is most of what it keeps, however its frame is padded', async () => {
  const kept = new Seen<[number, number]>()
  const stream = await caller((bytes) => kept.add([bytes.length, bytes.buffer.byteLength]))
  const padding = new Writer().byte(UNKNOWN).chunk(new Uint8Array(MIB)).finish()
  stream.write(concat([frame([Uint8Array.of(1, 2), Uint8Array.of(3)]), padding]))
  stream.write(frame([new Uint8Array(MIB), new Uint8Array(10)]))
  await kept.count(4)
  const [first, second, large, small] = kept.all
  expect([first, second]).toEqual([
    [2, 2],
    [1, 1],
  ])
  // What fills its frame is not copied, nor what stands beside it: a bound of bytes counts both.
  expect(large?.[1]).toBeGreaterThan(MIB)
  expect(small?.[1]).toBe(large?.[1])
})

test('a frame of more messages than any sender writes ends the stream', async () => {
  const heard: number[] = []
  const stream = await caller((bytes) => heard.push(bytes.length))
  const closed = new Seen<number | undefined>()
  stream.onClose((error) => closed.add(error?.code))
  const empty = new Uint8Array(0)
  stream.write(frame(Array.from({ length: FRAME_MESSAGES_MAX + 1 }, () => empty)))
  await closed.count(1)
  expect(closed.all).toEqual([Code.INVALID_ARGUMENT])
  expect(heard).toEqual([])
})

test('however many messages wait, a frame has no more', () => {
  const onReady = () => {}
  const door = new Door(seededRandom(1), onReady)
  const limits = { ...COMMUNICATOR_LIMITS, queuedMessagesMax: 3 * FRAME_MESSAGES_MAX }
  const outbox = new Outbox('n2', { door, limits, counters: new Counters(), onReady })
  for (let i = 0; i < 2 * FRAME_MESSAGES_MAX; i++) outbox.add(Uint8Array.of(i))
  const sizes: number[] = []
  while (!outbox.isEmpty) sizes.push(outbox.takeFrame().length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(FRAME_MESSAGES_MAX)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2 * FRAME_MESSAGES_MAX)
})

test('bytes are their own where they are less than half of what they lie in', () => {
  const frame = new Uint8Array(100)
  expect(ownBytes(frame.subarray(0, 50)).buffer).toBe(frame.buffer)
  const copy = ownBytes(frame.subarray(0, 49))
  expect(copy.buffer.byteLength).toBe(49)
  // A Buffer's slice would be none.
  const own = ownBytes(Buffer.from(frame.buffer, 7, 3))
  expect(own).toEqual(new Uint8Array(3))
  expect(own.buffer.byteLength).toBe(3)
})
