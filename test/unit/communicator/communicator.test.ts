import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CommunicatorOptions } from '../../../src/communicator/types.js'
import { freePorts } from '../../support/ports.js'
import { addresses, others, Seen, TestNode } from './support.js'

let all: Map<string, string>
let ports: number[]
let running: TestNode[]

beforeEach(async () => {
  ports = await freePorts(3)
  all = addresses(ports)
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((node) => node.stop()))
})

/** For what has no event. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!holds()) return
      clearInterval(timer)
      resolve()
    }, 5)
  })
}

type Options = ConstructorParameters<typeof TestNode>[3]

async function node(id: string, options: Options = {}): Promise<TestNode> {
  const port = Number(all.get(id)?.split(':')[1])
  const made = new TestNode(id, port, others(all, id), options)
  running.push(made)
  return made.start()
}

async function pair(options: Options = {}): Promise<[TestNode, TestNode]> {
  all.delete('n3')
  const a = await node('n1', options)
  const b = await node('n2', options)
  await Promise.all([a.reaches(b), b.reaches(a)])
  return [a, b]
}

const fast: Options = { limits: { backoffMsMin: 5, backoffMsMax: 20 } }

describe('messages', () => {
  test('reach every peer, in order, each from the one that sent it', async () => {
    const nodes = [await node('n1'), await node('n2'), await node('n3')]
    for (const from of nodes) for (const to of nodes) if (from !== to) await from.reaches(to)
    for (const from of nodes)
      for (const to of nodes) for (let i = 0; i < 20; i++) if (from !== to) from.send(to, String(i))
    for (const to of nodes) {
      await to.messages.count(40)
      for (const from of nodes) {
        if (from === to) continue
        const mine = to.messages.all.filter((text) => text.startsWith(`${from.id}: `))
        expect(mine).toEqual(Array.from({ length: 20 }, (_, i) => `${from.id}: ${i}`))
      }
    }
  })

  test('of one turn leave as one frame', async () => {
    const [a, b] = await pair()
    for (let i = 0; i < 100; i++) a.send(b, 'x')
    await b.messages.count(100)
    expect(a.counter('frames_sent')).toBe(1)
    expect(a.counter('messages_sent')).toBe(100)
  })

  test('are counted by peer, and so is what found no stream', async () => {
    const trips = new Seen<string>()
    const onRoundTrip = (peer: string, seconds: number) => trips.add(`${peer} ${seconds > 0}`)
    const [a, b] = await pair({ onRoundTrip, limits: { probeMs: 20 } })
    a.send(b, 'x'.repeat(10))
    await b.messages.count(1)
    const [bytes] = b.messages.all.map((text) => text.length)
    expect(a.communicator.traffic()).toMatchObject([
      { id: 'n2', connected: true, bytesReceived: 0, sendsFailed: 0, disconnects: 0 },
    ])
    expect(a.communicator.traffic()[0]?.bytesSent).toBe(b.communicator.traffic()[0]?.bytesReceived)
    expect(a.communicator.traffic()[0]?.bytesSent).toBeLessThanOrEqual(bytes ?? 0)
    // The round trip of an open stream is measured again and again.
    await trips.until((all) => all.filter((trip) => trip === 'n2 true').length >= 2)
    await b.stop()
    await until(() => !a.communicator.connected('n2'))
    a.send(b, 'y')
    expect(a.communicator.traffic()[0]?.sendsFailed).toBe(1)
    expect(a.communicator.traffic()).toMatchObject([{ connected: false, disconnects: 1 }])
  })

  test('larger than a frame travel alone, larger than the bound not at all', async () => {
    const [a, b] = await pair({ limits: { frameBytes: 1_000, messageBytesMax: 100_000 } })
    a.send(b, 'y'.repeat(100_000))
    a.send(b, 'z'.repeat(100_001))
    a.send(b, 'end')
    await b.messages.count(2)
    expect(b.messages.all.map((text) => text.length)).toEqual([100_004, 7])
    expect(a.counter('frames_sent')).toBe(2)
    expect(a.counter('dropped_oversize')).toBe(1)
  })

  test('beyond the bounds of the queue the newest is dropped', async () => {
    const [a, b] = await pair({ limits: { queuedMessagesMax: 10, queuedBytesMax: 5_000 } })
    for (let i = 0; i < 15; i++) a.send(b, String(i))
    await b.messages.count(10)
    expect(b.messages.all).toEqual(Array.from({ length: 10 }, (_, i) => `n1: ${i}`))
    expect(a.counter('dropped_full')).toBe(5)
    a.send(b, 'a'.repeat(4_000))
    a.send(b, 'b'.repeat(2_000))
    a.send(b, 'c'.repeat(900))
    await b.messages.count(12)
    expect(b.messages.all.slice(10).map((text) => text[4])).toEqual(['a', 'c'])
    expect(a.counter('dropped_full')).toBe(6)
  })

  test('to nobody or before a stream is up are dropped and counted', async () => {
    const a = await node('n1')
    a.send('n9', 'x')
    a.send('n2', 'x')
    expect(a.counter('dropped_unknown')).toBe(1)
    expect(a.counter('dropped_disconnected')).toBe(1)
  })
})

describe('connections', () => {
  test('a peer that restarts is found again, and says so to both', async () => {
    const [a, b] = await pair(fast)
    await b.stop()
    // Once for each of the two streams between them.
    await a.gone.count(2)
    expect(a.gone.all).toEqual(['n2', 'n2'])
    expect(a.communicator.connected('n2')).toBe(false)
    const again = await node('n2', fast)
    await Promise.all([a.reaches(again), again.reaches(a)])
    a.send(again, 'after')
    again.send(a, 'back')
    await again.messages.count(1)
    await a.messages.count(1)
    expect(again.messages.all).toEqual(['n1: after'])
    expect(a.messages.all).toEqual(['n2: back'])
  })

  test('a peer that is away is told once, however often it is dialled', async () => {
    const [a, b] = await pair(fast)
    await b.stop()
    await a.gone.count(2)
    await until(() => a.counter('dials') >= 6)
    const again = await node('n2', fast)
    await a.reaches(again)
    expect(a.events.all.map((event) => event.type).slice(-3)).toEqual([
      'peer-connected',
      'peer-unreachable',
      'peer-connected',
    ])
  })

  test('a port that accepts and says nothing is given up and dialled again', async () => {
    all.delete('n3')
    const dials = new Seen<Socket>()
    const listener = createServer((socket) => dials.add(socket))
    listener.listen(ports[1], '127.0.0.1')
    await once(listener, 'listening')
    const a = await node('n1', { limits: { ...fast?.limits, handshakeMsMax: 50 } })
    await dials.count(3)
    expect(a.events.all).toContainEqual({
      type: 'peer-unreachable',
      peer: 'n2',
      reason: 'no answer to the handshake',
    })
    for (const socket of dials.all) socket.destroy()
    await a.stop()
    await new Promise((resolve) => listener.close(resolve))
  })

  test('a new stream of the same peer replaces the old one', async () => {
    all.delete('n3')
    const b = await node('n2')
    const first = await node('n1')
    await first.reaches(b)
    first.send(b, 'old')
    await b.messages.count(1)
    // The same node elsewhere, as after a restart that the old connection has outlived.
    const [port] = await freePorts(1)
    const second = new TestNode('n1', port ?? 0, others(all, 'n1'))
    running.push(second)
    await second.start()
    await second.reaches(b)
    // Its own stream now counts, and the first hears that its does not.
    await first.gone.until((gone) => gone.includes('n2'))
    await first.communicator.close()
    second.send(b, 'new')
    await b.messages.count(2)
    expect(b.messages.all).toEqual(['n1: old', 'n1: new'])
  })

  test('both sides hear identity and bootstrap, and again when the bootstrap changes', async () => {
    const [a, b] = await pair()
    // By our own dial, and by the peer's.
    await a.hellos.until((hellos) => hellos.filter((h) => h === 'n2 u-n2 boot of n2').length >= 2)
    await b.hellos.until((hellos) => hellos.filter((h) => h === 'n1 u-n1 boot of n1').length >= 2)
    a.communicator.setBootstrap(Buffer.from('changed'))
    await b.hellos.until((hellos) => hellos.includes('n1 u-n1 changed'))
    // The answer to a Hello tells what holds now.
    b.communicator.setBootstrap(Buffer.from('too'))
    await a.hellos.until((hellos) => hellos.includes('n2 u-n2 too'))
    a.send(b, 'still')
    await b.messages.count(1)
  })

  test('before the cluster has formed only handshakes are exchanged', async () => {
    const [a, b] = await pair({ formed: false })
    a.send(b, 'early')
    expect(a.counter('dropped_unformed')).toBe(1)
    const members = ['n1', 'n2'].map((id) => ({ id, uid: `u-${id}` }))
    a.communicator.setFormed(members)
    // The peer has not formed yet: it drops what comes.
    a.send(b, 'too early')
    a.communicator.setBootstrap(Buffer.from('formed'))
    await b.hellos.until((hellos) => hellos.includes('n1 u-n1 formed'))
    a.communicator.setBootstrap(Buffer.from('formed indeed'))
    await b.hellos.until((hellos) => hellos.includes('n1 u-n1 formed indeed'))
    expect(b.counter('dropped_unformed')).toBe(1)
    b.communicator.setFormed(members)
    a.send(b, 'now')
    await b.messages.count(1)
    expect(b.messages.all).toEqual(['n1: now'])
  })

  test.each<[string, Partial<CommunicatorOptions['identity']>]>([
    ['cluster', { clusterId: 'c2' }],
    ['protocol', { protocol: 'pbft' }],
    ['group', { groupId: 7 }],
    ['member', { nodeId: 'n9' }],
    ['malformed', { uid: '' }],
  ])('another %s is refused, and both tell it once', async (code, identity) => {
    all.delete('n3')
    const b = await node('n2', fast)
    const a = new TestNode('n1', ports[0] ?? 0, others(all, 'n1'), { ...fast, identity })
    running.push(a)
    await a.start()
    await a.events.until((events) => events.some((e) => e.type === 'refused-by-peer'))
    await b.events.until((events) => events.some((e) => e.type === 'peer-refused'))
    // A few more tries are no more news.
    await until(() => a.counter('dials') >= 5)
    const refused = a.events.all.filter((e) => e.type === 'refused-by-peer')
    expect(refused).toEqual([expect.objectContaining({ peer: 'n2', code })])
    const told = b.events.all.filter((e) => e.type === 'peer-refused')
    const known = identity.nodeId === undefined
    expect(told).toEqual([expect.objectContaining({ peer: known ? 'n1' : '?', code })])
    a.send(b, 'x')
    expect(a.counter('dropped_disconnected')).toBe(1)
    expect(b.hellos.all).toEqual([])
  })

  test('another node at the dialled address is refused', async () => {
    const b = await node('n2', fast)
    const wrong = new Map([['n3', `127.0.0.1:${b.port}`]])
    const a = new TestNode('n1', ports[0] ?? 0, wrong, fast)
    running.push(a)
    await a.start()
    await a.events.until((events) => events.some((e) => e.type === 'refused-by-peer'))
    expect(a.events.all).toContainEqual(
      expect.objectContaining({ type: 'refused-by-peer', peer: 'n3', code: 'target' }),
    )
  })

  test('a wiped member is refused, and learns with what the cluster was formed', async () => {
    all.delete('n3')
    const members = ['n1', 'n2'].map((id) => ({ id, uid: `u-${id}` }))
    const b = await node('n2', fast)
    b.communicator.setFormed(members)
    const wiped = await node('n1', { ...fast, formed: false, identity: { uid: 'fresh' } })
    await wiped.events.until((events) =>
      events.some((e) => e.type === 'refused-by-peer' && e.code === 'uid'),
    )
    await wiped.hellos.until((hellos) => hellos.includes('n2 u-n2 boot of n2'))
    // Its own view of the wiped peer is no better.
    await b.events.until((events) =>
      events.some((e) => e.type === 'refused-by-peer' && e.code === 'uid'),
    )
    expect(b.communicator.connected('n1')).toBe(false)
    expect(b.hellos.all).toEqual([])
  })

  test('streams of a wiped member end when the members become known', async () => {
    all.delete('n3')
    const b = await node('n2', fast)
    const wiped = await node('n1', { ...fast, identity: { uid: 'fresh' } })
    await Promise.all([b.reaches(wiped), wiped.reaches(b)])
    b.communicator.setFormed([{ id: 'n1', uid: 'u-n1' }])
    await wiped.gone.count(1)
    await b.gone.count(2)
    expect(b.communicator.connected('n1')).toBe(false)
  })
})
