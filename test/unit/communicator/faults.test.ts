/** Partition and faults: what a node is told to do to its own traffic. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePorts } from '../../support/ports.js'
import { addresses, others, TestNode } from './support.js'

let all: Map<string, string>
let a: TestNode
let b: TestNode
let running: TestNode[]

const FAST = { backoffMsMin: 5, backoffMsMax: 20 }

beforeEach(async () => {
  all = addresses(await freePorts(2))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((node) => node.stop()))
})

type Options = ConstructorParameters<typeof TestNode>[3]

function make(id: string, options: Options = {}): TestNode {
  const port = Number(all.get(id)?.split(':')[1])
  const node = new TestNode(id, port, others(all, id), { limits: FAST, ...options })
  running.push(node)
  return node
}

async function pair(options: Options = {}): Promise<void> {
  a = await make('n1', options).start()
  b = await make('n2', options).start()
  await Promise.all([a.reaches(b), b.reaches(a)])
}

describe('partition', () => {
  test('drops what is written to the target, what was queued too, and nothing the other way', async () => {
    await pair()
    a.send(b, 'before')
    await b.messages.count(1)
    a.send(b, 'queued when the partition comes')
    a.communicator.setPartition(['n2'])
    a.send(b, 'blocked')
    b.send(a, 'one-way')
    await a.messages.count(1)
    expect(a.communicator.blocked()).toEqual(['n2'])
    expect(a.counter('dropped_blocked')).toBe(2)
    a.communicator.setPartition([])
    a.send(b, 'after')
    await b.messages.count(2)
    expect(b.messages.all).toEqual(['n1: before', 'n1: after'])
    expect(a.messages.all).toEqual(['n2: one-way'])
    // The streams stayed open.
    expect(a.counter('dials')).toBe(1)
    expect(b.counter('dials')).toBe(1)
    expect(a.gone.all).toEqual([])
  })

  test('drops what waits behind a slow socket', async () => {
    await pair()
    const block = 'x'.repeat(1 << 20)
    // More than one frame: the second waits in the queue until the first has left.
    for (let i = 0; i < 6; i++) a.send(b, block)
    // Past the first write, well before the last.
    await new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)))
    a.communicator.setPartition(['n2'])
    b.send(a, 'go on')
    await a.messages.count(1)
    a.communicator.setPartition([])
    a.send(b, 'after')
    await b.messages.until((messages) => messages.includes('n1: after'))
    expect(a.counter('dropped_blocked')).toBeGreaterThanOrEqual(4)
    expect(b.messages.all.length + a.counter('dropped_blocked')).toBe(7)
  })

  test('a blocked target is not dialled: its port sees no connection until healed', async () => {
    let connections = 0
    const port = Number(all.get('n2')?.split(':')[1])
    const listener = createServer((socket) => {
      connections++
      socket.destroy()
    })
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    a = make('n1')
    a.communicator.setPartition(['n2'])
    await a.start()
    // In the time of many dials: the same clock, on a node that is not blocked.
    const [otherPort] = await freePorts(1)
    const free = new TestNode('n1', otherPort ?? 0, others(all, 'n1'), { limits: FAST })
    running.push(free)
    await free.start()
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        if (free.counter('dials') < 5) return
        clearInterval(poll)
        resolve()
      }, 5)
    })
    await free.stop()
    expect(a.counter('dials')).toBe(0)
    const before = connections
    expect(before).toBeGreaterThan(0)
    const dialled = once(listener, 'connection')
    a.communicator.setPartition([])
    await dialled
    expect(a.counter('dials')).toBeGreaterThan(0)
    await new Promise((resolve) => listener.close(resolve))
  })

  test('a stream that breaks while its target is blocked comes back only when healed', async () => {
    await pair()
    a.communicator.setPartition(['n2'])
    await b.stop()
    await a.gone.count(2)
    b = await make('n2').start()
    // The other direction is not ours to block.
    await b.reaches(a)
    b.send(a, 'one-way')
    await a.messages.count(1)
    expect(a.counter('dials')).toBe(1)
    expect(a.communicator.connected('n2')).toBe(false)
    a.communicator.setPartition([])
    await a.reaches(b)
    a.send(b, 'healed')
    await b.messages.count(1)
  })

  test('a changed bootstrap reaches a blocked target only when healed', async () => {
    await pair()
    a.communicator.setPartition(['n2'])
    a.communicator.setBootstrap(Buffer.from('changed'))
    b.send(a, 'x')
    await a.messages.count(1)
    expect(b.hellos.all).not.toContain('n1 u-n1 changed')
    a.communicator.setPartition([])
    await b.hellos.until((hellos) => hellos.includes('n1 u-n1 changed'))
  })

  test('heals by itself after its time to live; a new list replaces it', async () => {
    await pair()
    a.communicator.setPartition(['n2'], 60_000)
    expect(a.communicator.faults().ttlLeftMs).toBeGreaterThan(50_000)
    a.communicator.setPartition(['n2'], 30)
    expect(a.communicator.faults().ttlLeftMs).toBeLessThanOrEqual(31)
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        a.send(b, 'x')
        if (b.messages.all.length === 0) return
        clearInterval(poll)
        resolve()
      }, 5)
    })
    expect(a.communicator.blocked()).toEqual([])
    expect(a.communicator.faults().ttlLeftMs).toBe(0)
    expect(a.counter('dropped_blocked')).toBeGreaterThan(0)
  })
})

describe('faults', () => {
  const target = { nodeId: 'n2', loss: 0, duplication: 0, reorder: 0, delayMinMs: 0, delayMaxMs: 0 }

  test('loss drops, duplication repeats', async () => {
    await pair()
    a.communicator.setFaults([{ ...target, loss: 1 }])
    for (let i = 0; i < 10; i++) a.send(b, 'lost')
    await new Promise<void>((resolve) => process.nextTick(resolve))
    expect(a.counter('dropped_lost')).toBe(10)
    a.communicator.setFaults([{ ...target, duplication: 1 }])
    a.send(b, 'twice')
    await b.messages.count(2)
    expect(b.messages.all).toEqual(['n1: twice', 'n1: twice'])
    a.communicator.setFaults([])
    a.send(b, 'once')
    await b.messages.count(3)
    expect(a.communicator.faults().targets).toEqual([])
  })

  test('delay delays, keeps the order, and lets a partition catch what it holds', async () => {
    await pair()
    a.communicator.setFaults([{ ...target, delayMinMs: 40, delayMaxMs: 60 }])
    const started = performance.now()
    for (let i = 0; i < 50; i++) a.send(b, String(i))
    await b.messages.count(50)
    expect(performance.now() - started).toBeGreaterThanOrEqual(39)
    expect(b.messages.all).toEqual(Array.from({ length: 50 }, (_, i) => `n1: ${i}`))
    a.send(b, 'held when the partition comes')
    await new Promise<void>((resolve) => process.nextTick(resolve))
    a.communicator.setPartition(['n2'])
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        if (a.counter('dropped_blocked') === 0) return
        clearInterval(poll)
        resolve()
      }, 5)
    })
    a.communicator.setFaults([])
    a.communicator.setPartition([])
    a.send(b, 'after')
    await b.messages.count(51)
    expect(b.messages.all[50]).toBe('n1: after')
  })

  test('reordering lets later messages overtake', async () => {
    await pair()
    a.communicator.setFaults([{ ...target, reorder: 0.3 }])
    for (let i = 0; i < 50; i++) a.send(b, String(i))
    await b.messages.count(50)
    const order = b.messages.all.map((text) => Number(text.slice(4)))
    expect(order).not.toEqual([...order].sort((x, y) => x - y))
    expect(new Set(order).size).toBe(50)
  })

  test('end by themselves after their time to live; a new set replaces it; a partition has its own', async () => {
    await pair()
    a.communicator.setFaults([{ ...target, loss: 1 }], 60_000)
    expect(a.communicator.faults().faultsTtlLeftMs).toBeGreaterThan(50_000)
    expect(a.communicator.faults().ttlLeftMs).toBe(0)
    a.communicator.setFaults([{ ...target, loss: 1 }], 30)
    a.communicator.setPartition([])
    expect(a.communicator.faults().faultsTtlLeftMs).toBeGreaterThan(0)
    await new Promise<void>((resolve) => {
      const poll = setInterval(() => {
        a.send(b, 'x')
        if (b.messages.all.length === 0) return
        clearInterval(poll)
        resolve()
      }, 5)
    })
    expect(a.communicator.faults().targets).toEqual([])
    expect(a.communicator.faults().faultsTtlLeftMs).toBe(0)
    expect(a.counter('dropped_lost')).toBeGreaterThan(0)
  })

  test('what is delayed is bounded in messages and in bytes, apart from the queue', async () => {
    const limits = { ...FAST, delayedMessagesMax: 3, delayedBytesMax: 10, queuedMessagesMax: 100 }
    await pair({ limits })
    const later = { ...target, delayMinMs: 60_000, delayMaxMs: 60_000 }
    a.communicator.setFaults([later])
    for (let i = 0; i < 5; i++) a.send(b, '1')
    await new Promise<void>((resolve) => process.nextTick(resolve))
    expect(a.counter('dropped_delayed')).toBe(2)
    await a.stop()
    await b.stop()
    await pair({ limits })
    a.communicator.setFaults([later])
    for (let i = 0; i < 3; i++) a.send(b, '12345')
    await new Promise<void>((resolve) => process.nextTick(resolve))
    expect(a.counter('dropped_delayed')).toBe(1)
    expect(a.counter('delayed')).toBe(2)
    expect(a.counter('dropped_full')).toBe(0)
  })
})
