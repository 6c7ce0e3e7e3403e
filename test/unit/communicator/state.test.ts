/** Parts of snapshots between two communicators: what partitions and bounds do to questions and answers. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeHello } from '../../../src/communicator/handshake.js'
import type { PartsHost } from '../../../src/communicator/types.js'
import type { StateRequest, StateResponse } from '../../../src/gen/quorate/peer/v1/peer.js'
import { connect } from '../../../src/rpc/channel.js'
import { peer } from '../../../src/rpc/services.js'
import type { Channel } from '../../../src/rpc/types.js'
import { freePorts } from '../../support/ports.js'
import { addresses, others, Seen, TestNode } from './support.js'

const SNAPSHOT = new Uint8Array(32).fill(7)
const name = (i: number): Uint8Array => new Uint8Array(32).fill(i)

type Told = Parameters<Parameters<PartsHost['asked']>[2]>[0]

let a: TestNode
let b: TestNode
let asked: Seen<{ part: number; answer: (told: Told) => void }>
let answered: Seen<string>
let channel: Channel | null = null

beforeEach(async () => {
  const all = addresses(await freePorts(2))
  const [pa, pb] = [...all.values()].map((address) => Number(address.split(':')[1]))
  asked = new Seen()
  answered = new Seen()
  a = await new TestNode('n1', pa ?? 0, others(all, 'n1'), {
    parts: {
      asked: () => {},
      answered: (from, part, data) => answered.add(`${from} ${part[0]} ${data?.length ?? 'none'}`),
    },
  }).start()
  b = await new TestNode('n2', pb ?? 0, others(all, 'n2'), {
    limits: { snapshotBytesPerSecond: 1_000_000, frameBytes: 100_000 },
    parts: {
      asked: (_snapshot, part, answer) => asked.add({ part: part[0] ?? 0, answer }),
      answered: () => {},
    },
  }).start()
  await Promise.all([a.reaches(b), b.reaches(a)])
})
afterEach(async () => {
  channel?.close()
  channel = null
  await Promise.all([a.stop(), b.stop()])
})

const ask = (i: number): void => a.communicator.askPart('n2', SNAPSHOT, name(i))

describe('a part of a snapshot', () => {
  test('is asked for, and answered with bytes, with nothing, or not at all', async () => {
    ask(1)
    ask(2)
    ask(3)
    await asked.count(3)
    asked.all[2]?.answer({ part: new Uint8Array(5) })
    asked.all[0]?.answer(null)
    asked.all[1]?.answer({ part: null })
    await answered.count(2)
    expect(answered.all).toEqual(['n2 3 5', 'n2 2 none'])
  })

  test('is not asked of a peer that is blocked, nor is one dialled for it', async () => {
    a.communicator.setPartition(['n2'])
    ask(1)
    expect(a.counter('dropped_blocked')).toBe(1)
    a.communicator.setPartition([])
    ask(2)
    await asked.count(1)
    expect(asked.all[0]?.part).toBe(2)
  })

  test('under way is not answered to a peer that has been blocked since', async () => {
    ask(1)
    await asked.count(1)
    b.communicator.setPartition(['n1'])
    asked.all[0]?.answer({ part: new Uint8Array(5) })
    expect(b.counter('dropped_blocked')).toBe(1)
    b.communicator.setPartition([])
    ask(1)
    await asked.count(2)
    asked.all[1]?.answer({ part: new Uint8Array(6) })
    await answered.count(1)
    expect(answered.all).toEqual(['n2 1 6'])
  })

  test('is asked once while it is under way, and of so many no more at a time', async () => {
    for (let i = 0; i < 40; i++) ask(i)
    for (let i = 0; i < 40; i++) ask(i)
    await asked.count(32)
    expect(new Set(asked.all.map(({ part }) => part)).size).toBe(32)
    // Then there is room for one more, which is none of those under way.
    asked.all[0]?.answer({ part: null })
    await answered.count(1)
    ask(39)
    await asked.count(33)
    expect(new Set(asked.all.slice(1).map(({ part }) => part)).size).toBe(32)
    expect(asked.all).toHaveLength(33)
  })

  test('travels no faster than snapshots may', async () => {
    const began = performance.now()
    for (let i = 0; i < 5; i++) ask(i)
    await asked.count(5)
    for (const { answer } of asked.all) answer({ part: new Uint8Array(100_000) })
    await answered.count(5)
    // The first leaves at once, the fifth behind four tenths of a second.
    expect(performance.now() - began).toBeGreaterThan(350)
  })

  test('goes on over a new stream when the old one has ended', async () => {
    ask(1)
    await asked.count(1)
    a.communicator.leaveParts('n2')
    ask(2)
    await asked.count(2)
    asked.all[1]?.answer({ part: new Uint8Array(5) })
    await answered.count(1)
    // To the stream that has ended nothing is said.
    asked.all[0]?.answer({ part: new Uint8Array(5) })
    expect(answered.all).toEqual(['n2 2 5'])
  })
})

describe('a stream for parts', () => {
  async function endOf(...messages: StateRequest['content'][]): Promise<string> {
    channel = connect(`127.0.0.1:${b.port}`)
    const stream = channel.stream(peer.state)
    const heard = new Seen<StateResponse>()
    stream.onMessage((message) => heard.add(message))
    const ended = new Promise<string>((resolve) =>
      stream.onClose((error) => resolve(error?.message ?? 'OK')),
    )
    for (const content of messages) stream.write({ content })
    return ended
  }
  const identity = {
    clusterId: 'c1',
    nodeId: 'n1',
    uid: 'u-n1',
    incarnation: 1,
    protocol: 'raft',
    groupId: 0,
  } as const
  const hello = (of: Partial<typeof identity> = {}) => ({
    $case: 'hello' as const,
    value: makeHello({ ...identity, ...of } as typeof identity, 'n2', new Uint8Array(0)),
  })

  test('begins with a Hello that is welcome', async () => {
    const part = { $case: 'part' as const, value: { snapshot: SNAPSHOT, part: name(1) } }
    expect(await endOf(part)).toContain('out of order')
    expect(await endOf(hello({ clusterId: 'c2' } as never), part)).toBe('OK')
    expect(asked.all).toEqual([])
  })

  test('ends at what is no name of a part', async () => {
    const part = { $case: 'part' as const, value: { snapshot: SNAPSHOT, part: new Uint8Array(31) } }
    expect(await endOf(hello(), part)).toContain('not the name of a part')
    expect(asked.all).toEqual([])
  })
})
