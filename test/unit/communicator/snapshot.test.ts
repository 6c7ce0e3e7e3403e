import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { crc32c } from '../../../src/base/crc32c.js'
import { makeHello } from '../../../src/communicator/handshake.js'
import type { SnapshotDelivery } from '../../../src/consensus/contract.js'
import type { SnapshotRequest, SnapshotResponse } from '../../../src/gen/quorate/peer/v1/peer.js'
import { connect } from '../../../src/rpc/channel.js'
import { peer } from '../../../src/rpc/services.js'
import type { Channel, ClientStream } from '../../../src/rpc/types.js'
import { freePorts } from '../../support/ports.js'
import { addresses, META, memorySource, others, Seen, TestNode } from './support.js'

let all: Map<string, string>
let a: TestNode
let b: TestNode
let channels: Channel[]

const LIMITS = { snapshotChunkBytes: 10_000, snapshotWindowBytes: 40_000, backoffMsMin: 5 }

beforeEach(async () => {
  all = addresses(await freePorts(2))
  channels = []
})
afterEach(async () => {
  for (const channel of channels) channel.close()
  await Promise.all([a.stop(), b.stop()])
})

async function pair(options: ConstructorParameters<typeof TestNode>[3] = {}): Promise<void> {
  const [pa, pb] = [...all.values()].map((address) => Number(address.split(':')[1]))
  const given = { ...options, limits: { ...LIMITS, ...options.limits } }
  a = await new TestNode('n1', pa ?? 0, others(all, 'n1'), given).start()
  b = await new TestNode('n2', pb ?? 0, others(all, 'n2'), given).start()
  await Promise.all([a.reaches(b), b.reaches(a)])
}

const send = (): Promise<SnapshotDelivery> =>
  new Promise((resolve) => a.communicator.sendSnapshot('n2', META, resolve))

function content(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 0xff
  return bytes
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a snapshot', () => {
  test.each([0, 1, 10_000, 10_001, 333_333])('of %i bytes arrives whole', async (length) => {
    await pair()
    const bytes = content(length)
    const source = memorySource(bytes, 'what it covers')
    a.source = source
    expect(await send()).toBe('delivered')
    const received = b.sinks.all[0]
    expect(received?.from).toBe('n1')
    expect(received?.meta).toBe('what it covers')
    expect(received?.events).toEqual(['finish'])
    expect(sha(received?.sink.bytes ?? new Uint8Array(1))).toBe(sha(bytes))
    expect(source.closed).toBe(1)
    // And another one after it.
    a.source = memorySource(content(5))
    expect(await send()).toBe('delivered')
  })

  test('keeps to its window while the receiver is busy, and holds up no message', async () => {
    let release: () => void = () => {}
    const offered = new Seen<number>()
    await pair({
      receiveSnapshot: () => ({
        chunk: (offset, _, done) => {
          offered.add(offset)
          if (offset === 0) release = () => done(true)
          else setImmediate(() => done(true))
        },
        finish: (done) => setImmediate(() => done(null)),
        abort: () => {},
      }),
    })
    a.source = memorySource(content(200_000))
    const sent = send()
    await offered.count(1)
    // Round trips enough for every chunk to have left, if nothing held them.
    for (let i = 1; i <= 50; i++) {
      a.send(b, 'ping')
      await b.messages.count(i)
      b.send(a, 'pong')
      await a.messages.count(i)
    }
    expect(a.counter('snapshot_bytes_sent')).toBeLessThanOrEqual(40_000)
    release()
    expect(await sent).toBe('delivered')
    expect(offered.all).toEqual(Array.from({ length: 20 }, (_, i) => i * 10_000))
  })

  test('keeps to its rate', async () => {
    await pair({ limits: { ...LIMITS, snapshotBytesPerSecond: 500_000 } })
    a.source = memorySource(content(100_000))
    const started = performance.now()
    expect(await send()).toBe('delivered')
    // Ten chunks, and nothing to wait for after the last: nine gaps of 20 ms.
    expect(performance.now() - started).toBeGreaterThanOrEqual(170)
  })

  test('is not delivered when it is refused, cannot be read, or is not there', async () => {
    await pair({ receiveSnapshot: () => 'no room' })
    a.source = memorySource(content(10))
    expect(await send()).toBe('undelivered')
    expect(a.events.all).toContainEqual({
      type: 'snapshot-failed',
      peer: 'n2',
      reason: 'no room',
    })
    a.source = null
    expect(await send()).toBe('unreadable')
    a.source = { ...memorySource(content(10)), read: (_, __, done) => setImmediate(done, null) }
    expect(await send()).toBe('unreadable')
  })

  test('whose content the receiver finds wrong is not delivered', async () => {
    await pair()
    a.source = memorySource(content(10))
    const done = send()
    await b.sinks.count(1)
    const sink = b.sinks.all[0]?.sink
    if (sink !== undefined) sink.problem = 'digest'
    expect(await done).toBe('undelivered')
  })

  test('is given up when the receiver makes no progress, and when it dies', async () => {
    const aborted = new Seen<string>()
    const entered = new Seen<string>()
    await pair({
      limits: { ...LIMITS, snapshotStallMs: 150 },
      receiveSnapshot: () => ({
        chunk: () => entered.add('chunk'),
        finish: () => {},
        abort: () => aborted.add('abort'),
      }),
    })
    a.source = memorySource(content(10))
    expect(await send()).toBe('undelivered')
    await aborted.count(1)
    const again = send()
    await entered.count(2)
    await b.stop()
    expect(await again).toBe('undelivered')
    await aborted.count(2)
  })

  test('goes to one peer one at a time', async () => {
    await pair()
    a.source = memorySource(content(100_000))
    const first = send()
    expect(await send()).toBe('undelivered')
    expect(await first).toBe('delivered')
  })

  test('a blocked target gets none, and no more of one under way', async () => {
    let release: () => void = () => {}
    const chunks = new Seen<number>()
    const aborted = new Seen<string>()
    await pair({
      receiveSnapshot: () => ({
        chunk: (offset, _, done) => {
          chunks.add(offset)
          release = () => done(true)
        },
        finish: (done) => done(null),
        abort: () => aborted.add('abort'),
      }),
    })
    a.communicator.setPartition(['n2'])
    a.source = memorySource(content(100_000))
    expect(await send()).toBe('undelivered')
    expect(chunks.all).toEqual([])
    a.communicator.setPartition([])
    const underWay = send()
    await chunks.count(1)
    a.communicator.setPartition(['n2'])
    const sentBefore = a.counter('snapshot_bytes_sent')
    release()
    expect(await underWay).toBe('undelivered')
    expect(a.counter('snapshot_bytes_sent')).toBe(sentBefore)
    // The target hears nothing of it, not even an end, before it may hear something again.
    b.send(a, 'x')
    await a.messages.count(1)
    expect(aborted.all).toEqual([])
    a.communicator.setPartition([])
    await aborted.count(1)
    const again = send()
    await chunks.until((offsets) => offsets.filter((offset) => offset === 0).length === 2)
    a.communicator.close()
    expect(await again).toBe('undelivered')
  })
})

describe('what a sender may not do', () => {
  function open(): { stream: ClientStream<SnapshotResponse, SnapshotRequest>; seen: Seen<string> } {
    const channel = connect(`127.0.0.1:${b.port}`)
    channels.push(channel)
    const stream = channel.stream(peer.snapshot)
    const seen = new Seen<string>()
    stream.onMessage(({ content }) => {
      if (content?.$case === 'refused') seen.add(`refused: ${content.value.reason}`)
      else seen.add(String(content?.$case))
    })
    stream.onClose((error) => seen.add(`closed ${error?.code ?? 0}`))
    return { stream, seen }
  }

  const hello = (clusterId = 'c1'): SnapshotRequest => ({
    content: {
      $case: 'hello',
      value: makeHello(
        { clusterId, nodeId: 'n1', uid: 'u', incarnation: 1, protocol: 'raft', groupId: 0 },
        'n2',
        new Uint8Array(0),
      ),
    },
  })
  const header = (bytesTotal: number): SnapshotRequest => ({
    content: { $case: 'header', value: { meta: new Uint8Array(1), bytesTotal } },
  })
  const chunk = (offset: number, text: string, crc?: number): SnapshotRequest => {
    const data = Buffer.from(text)
    return { content: { $case: 'chunk', value: { offset, data, crc32c: crc ?? crc32c(data) } } }
  }
  const finish: SnapshotRequest = { content: { $case: 'finish', value: {} } }

  test.each<[string, SnapshotRequest[], string, boolean]>([
    [
      'corrupt a chunk',
      [hello(), header(3), chunk(0, 'abc', 1)],
      'a chunk with a wrong checksum',
      true,
    ],
    ['skip', [hello(), header(9), chunk(3, 'abc')], 'a chunk out of order', true],
    [
      'repeat',
      [hello(), header(9), chunk(0, 'abc'), chunk(0, 'abc')],
      'a chunk out of order',
      true,
    ],
    ['send nothing', [hello(), header(9), chunk(0, '')], 'a chunk out of order', true],
    ['send more', [hello(), header(3), chunk(0, 'abcd')], 'more bytes than announced', true],
    ['send less', [hello(), header(3), chunk(0, 'ab'), finish], 'fewer bytes than announced', true],
    ['begin twice', [hello(), header(3), header(3)], 'a message out of order', true],
    ['begin without Hello', [header(3)], 'a message out of order', false],
    ['send chunks without header', [hello(), chunk(0, 'a')], 'a message out of order', false],
  ])('%s', async (_, messages, reason, begun) => {
    await pair()
    const { stream, seen } = open()
    for (const message of messages) stream.write(message)
    await seen.until((all) => all.some((text) => text.startsWith('closed')))
    expect(seen.all).toContain(`refused: ${reason}`)
    expect(seen.all.at(-1)).toBe('closed 0')
    expect(b.sinks.all.map((one) => one.events)).toEqual(begun ? [['abort']] : [])
  })

  test('come from another cluster', async () => {
    await pair()
    const { stream, seen } = open()
    stream.write(hello('c2'))
    stream.write(header(3))
    await seen.until((all) => all.some((text) => text.startsWith('closed')))
    expect(seen.all).toEqual(['hello', 'closed 0'])
    expect(b.sinks.all).toEqual([])
  })

  test('come before the cluster has formed', async () => {
    await pair({ formed: false })
    const { stream, seen } = open()
    stream.write(hello())
    stream.write(header(3))
    await seen.until((all) => all.some((text) => text.startsWith('closed')))
    expect(seen.all).toContain('refused: the cluster has not formed here')
  })

  test('stop half way', async () => {
    await pair()
    const { stream } = open()
    stream.write(hello())
    stream.write(header(6))
    stream.write(chunk(0, 'abc'))
    await b.sinks.count(1)
    const one = b.sinks.all[0]
    const aborted = new Promise<void>((resolve) => {
      if (one !== undefined) one.sink.abort = resolve
    })
    stream.cancel()
    await aborted
  })
})

describe('frames', () => {
  test.each([
    ['with a wrong checksum', 1, 15],
    ['that are right', crc32c(Buffer.from('abc')), null],
  ])('%s', async (_, checksum, code) => {
    await pair()
    const channel = connect(`127.0.0.1:${b.port}`)
    channels.push(channel)
    const stream = channel.stream(peer.exchange)
    const closed = new Seen<number | null>()
    stream.onClose((error) => closed.add(error?.code ?? null))
    const value = makeHello(
      { clusterId: 'c1', nodeId: 'n1', uid: 'u', incarnation: 1, protocol: 'raft', groupId: 0 },
      'n2',
      new Uint8Array(0),
    )
    stream.write({ content: { $case: 'hello', value } })
    stream.write({
      content: {
        $case: 'frame',
        value: {
          configurationEpoch: 0,
          groupId: 0,
          messages: [Buffer.from('a'), Buffer.from('bc')],
          crc32c: checksum,
        },
      },
    })
    stream.end()
    await closed.count(1)
    expect(closed.all).toEqual([code])
    expect(b.messages.all).toEqual(code === null ? ['n1: a', 'n1: bc'] : [])
    expect(b.counter('corrupt_frames')).toBe(code === null ? 0 : 1)
  })

  test('without a Hello end the stream, and so does silence', async () => {
    await pair({ limits: { ...LIMITS, handshakeMsMax: 100 } })
    const channel = connect(`127.0.0.1:${b.port}`)
    channels.push(channel)
    const codes: Promise<number | undefined>[] = [true, false].map(
      (speaks) =>
        new Promise((resolve) => {
          const stream = channel.stream(peer.exchange)
          stream.onClose((error) => resolve(error?.code))
          const value = { configurationEpoch: 0, groupId: 0, messages: [], crc32c: 0 }
          if (speaks) stream.write({ content: { $case: 'frame', value } })
        }),
    )
    expect(await Promise.all(codes)).toEqual([9, 4])
  })
})
