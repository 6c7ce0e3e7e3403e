/** Messages have a largest size and queues a length: what is asked may be large, and what is said of it must get through. */
import { describe, expect, it } from 'vitest'
import type { Request } from '../../../../src/consensus/contract.js'
import { encodeMessage } from '../../../../src/consensus/pbft/codec.js'
import type { Message } from '../../../../src/consensus/pbft/messages.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'

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
