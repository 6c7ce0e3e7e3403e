/** Messages have a largest size and queues a length: what is asked may be large, and what is said of it must get through. */
import { describe, expect, it } from 'vitest'
import type { Request } from '../../../../src/consensus/contract.js'
import { encodeMessage } from '../../../../src/consensus/pbft/codec.js'
import type { Message } from '../../../../src/consensus/pbft/messages.js'
import { type Flight, PbftCluster } from '../../../support/pbft-cluster.js'

const MIB = 1024 * 1024
/** What a link between peers takes. */
const MESSAGE_BYTES_MAX = 7 * MIB

function requests(count: number, bytes: number): Request[] {
  return Array.from({ length: count }, (_, i) => {
    const command = new Uint8Array(bytes)
    return { session: 1, seq: i + 1, ackedThrough: 0, command }
  })
}

/** Of one replica's sending, what passes a link; and the largest of it. */
function watch(cluster: PbftCluster): { sent: Message[] } {
  const seen: { sent: Message[] } = { sent: [] }
  cluster.tamper = (flight) => {
    seen.sent.push(flight.message)
    return encodeMessage(flight.message).length > MESSAGE_BYTES_MAX ? [] : [flight]
  }
  return seen
}

describe('a backup hands on', () => {
  it('ten large requests in messages that peers take, and they are executed', () => {
    const cluster = new PbftCluster(4)
    const { sent } = watch(cluster)
    const asked = requests(10, 1.2 * MIB)
    cluster.replica('n3').step({ type: 'Propose', requests: asked })
    cluster.settle()
    const forwards = sent.filter(({ type }) => type === 'Forward')
    for (const message of forwards) expect(encodeMessage(message).length).toBeLessThan(1.5 * MIB)
    for (const request of asked) expect(cluster.timesExecuted(request)).toBe(1)
  })

  it('more requests than one message holds, without waiting to be asked again', () => {
    const cluster = new PbftCluster(4)
    const asked = requests(512, 1)
    cluster.replica('n3').step({ type: 'Propose', requests: asked })
    cluster.settle()
    for (const request of asked) expect(cluster.timesExecuted(request)).toBe(1)
  })

  it('a few of those that wait each tick, so that votes find room beside them', () => {
    const cluster = new PbftCluster(4)
    const n3 = cluster.replica('n3')
    cluster.tamper = () => []
    n3.step({ type: 'Propose', requests: requests(10, 1.2 * MIB) })
    cluster.settle()
    const perTick: number[] = []
    for (let tick = 0; tick < 60; tick++) {
      const { sent } = watch(cluster)
      n3.tick()
      cluster.flights = []
      const bytes = sent.reduce((sum, message) => sum + encodeMessage(message).length, 0)
      perTick.push(bytes)
    }
    expect(Math.max(...perTick)).toBeGreaterThan(MIB)
    // To each of three peers.
    expect(Math.max(...perTick)).toBeLessThan(3 * 2.5 * MIB)
  })
})

/** Bytes of the requests that travel in Forwards, to each replica. */
function forwarded(cluster: PbftCluster, more: (flight: Flight) => boolean): Map<string, number> {
  const bytes = new Map<string, number>()
  cluster.tamper = (flight) => {
    const { to, message } = flight
    if (message.type === 'Forward')
      bytes.set(to, (bytes.get(to) ?? 0) + encodeMessage(message).length)
    return more(flight) ? [flight] : []
  }
  return bytes
}

const sum = (bytes: Map<string, number>): number => [...bytes.values()].reduce((a, b) => a + b, 0)

it('large requests are not gathered: each fills a batch, and all are under way at once', () => {
  const cluster = new PbftCluster(4, { unpreparedIndices: 1, pipelineIndices: 8 })
  cluster.replica('n1').step({ type: 'Propose', requests: requests(6, 1.2 * MIB) })
  expect(cluster.replica('n1').core.state.primary?.lastProposed).toBe(6)
})

describe('on the wire', () => {
  const COPY = 10 * 1.2 * MIB
  /** As many indices in flight as in production. */
  const WIDE = { pipelineIndices: 16, windowIndices: 32, checkpointInterval: 16 }
  /** Names, lengths and the like. */
  const MORE = 1.01

  it('what the primary has proposed goes to it once, and to nobody else while the view lasts', () => {
    const cluster = new PbftCluster(4, WIDE)
    const bytes = forwarded(cluster, ({ message }) => message.type !== 'Commit')
    const asked = requests(10, 1.2 * MIB)
    cluster.replica('n3').step({ type: 'Propose', requests: asked })
    cluster.settle()
    // The client asks again and again.
    for (let tick = 0; tick < 9; tick++) {
      cluster.pass(1)
      cluster.replica('n3').step({ type: 'Propose', requests: asked })
    }
    expect(cluster.replica('n3').core.state).toMatchObject({ view: 0, lastExecuted: 0 })
    expect([...bytes.keys()]).toEqual(['n1'])
    expect(sum(bytes)).toBeLessThan(COPY * MORE)
  })

  it('with a silent primary: to it, to all once, and to the next one; and they are executed', () => {
    const cluster = new PbftCluster(4, WIDE)
    cluster.replica('n1').crash()
    const bytes = forwarded(cluster, () => true)
    const asked = requests(10, 1.2 * MIB)
    cluster.replica('n3').step({ type: 'Propose', requests: asked })
    cluster.pass(60)
    for (const request of asked) expect(cluster.timesExecuted(request)).toBe(1)
    expect(cluster.replica('n2').core.state.view).toBe(1)
    // One a tick, so that the first is due again before the view is over.
    expect(bytes.get('n4')).toBeLessThan(1.1 * COPY * MORE)
    expect(bytes.get('n2')).toBeLessThan(2.1 * COPY * MORE)
    // The two who were told hand them to the old primary as well.
    expect(sum(bytes)).toBeLessThan(6 * COPY * MORE)
  })

  it('what nobody answers is told after twice the time, twice that, and so on up to eight times', () => {
    const cluster = new PbftCluster(4)
    const n3 = cluster.replica('n3')
    n3.step({ type: 'Propose', requests: requests(1, 8) })
    const told: number[] = []
    for (let tick = 1; tick <= 160; tick++) {
      cluster.flights = []
      n3.tick()
      const toN4 = cluster.flights.filter(({ to }) => to === 'n4')
      if (toN4.some(({ message }) => message.type === 'Forward')) told.push(tick)
    }
    expect(told).toEqual([5, 15, 35, 75, 115, 155])
  })
})

describe('what is not told is heard of all the same', () => {
  it('a primary that proposes to one backup alone is left by it, which then tells the others', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n1').honest = false
    cluster.tamper = (flight) => (flight.from === 'n1' && flight.to !== 'n2' ? [] : [flight])
    const [request] = cluster.ask(['n2'])
    cluster.pass(60)
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.replica('n4').core.state.view).toBeGreaterThan(0)
  })

  it('who cannot reach the primary is helped by the others before it loses its patience', () => {
    const cluster = new PbftCluster(4)
    cluster.block('n3', 'n1')
    const [request] = cluster.ask(['n3'])
    cluster.pass(9)
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.replica('n3').core.state.view).toBe(0)
  })
})
