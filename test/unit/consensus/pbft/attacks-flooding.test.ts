/** Attacks on what a replica keeps and does for others. Their numbers are those of docs/pbft.md. */
import { describe, expect, it } from 'vitest'
import type { Request } from '../../../../src/consensus/contract.js'
import type { Slot } from '../../../../src/consensus/pbft/slot.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'
import { checkpoint, commit, D1, prepare, viewChange } from '../../../support/pbft-statements.js'

/** Counts how often somebody goes through all of it. */
class CountingMap<K, V> extends Map<K, V> {
  walks = 0

  override values(): MapIterator<V> {
    this.walks++
    return super.values()
  }

  override entries(): MapIterator<[K, V]> {
    this.walks++
    return super.entries()
  }

  override [Symbol.iterator](): MapIterator<[K, V]> {
    this.walks++
    return super[Symbol.iterator]()
  }

  override forEach(each: (value: V, key: K, map: Map<K, V>) => void): void {
    this.walks++
    super.forEach(each)
  }
}

describe('a liar that says much', () => {
  it('25: far indices, views and checkpoints leave nothing behind', () => {
    const cluster = new PbftCluster(4)
    const n1 = cluster.replica('n1')
    for (let i = 1; i <= 2_000; i++) {
      n1.step({ type: 'Receive', from: 'n4', message: prepare('n4', i, 8 + i) })
      n1.step({ type: 'Receive', from: 'n4', message: commit('n4', i, 8 + i, D1) })
      n1.step({ type: 'Receive', from: 'n4', message: checkpoint('n4', 4 * i) })
      n1.step({ type: 'Receive', from: 'n4', message: viewChange('n4', i) })
    }
    expect(n1.core.state.slots.size).toBe(0)
    expect(n1.core.state.checkpoints.size).toBeLessThanOrEqual(3)
    expect(n1.core.state.viewChanges.size).toBe(1)
    expect(n1.core.state.view).toBe(0)
  })

  it('31: a vote costs the same however many indices are open: it is looked up, not looked for', () => {
    const cluster = new PbftCluster(4, { windowIndices: 256 })
    const { core } = cluster.replica('n1')
    for (let index = 1; index <= 200; index++)
      core.step({ type: 'Receive', from: 'n4', message: prepare('n4', 0, index) })
    const slots = new CountingMap<number, Slot>(core.state.slots)
    slots.walks = 0
    Object.assign(core.state, { slots })
    for (let index = 1; index <= 200; index++) {
      core.step({ type: 'Receive', from: 'n2', message: prepare('n2', 0, index) })
      core.step({ type: 'Receive', from: 'n2', message: commit('n2', 0, index, D1) })
    }
    expect(slots.size).toBe(200)
    expect(slots.get(200)?.commits.size).toBe(1)
    expect(slots.walks).toBe(0)
  })
})

describe('clients that ask much', () => {
  const flood = (count: number): Request[] =>
    Array.from({ length: count }, (_, i) => {
      return { session: 7, seq: i + 1, ackedThrough: 0, command: Uint8Array.of(1) }
    })

  it('28: more requests than may wait are refused, those of a peer passed over, and what waited is executed', () => {
    const cluster = new PbftCluster(4, { waitingRequestsMax: 10 })
    const n2 = cluster.replica('n2')
    cluster.tamper = () => []
    const [first] = cluster.ask(['n2'])
    const effects = n2.core.step({ type: 'Propose', requests: flood(1_000) })
    const refused = effects.filter((one) => one.type === 'Answer')
    expect(refused).toHaveLength(1_000 - 9)
    for (const { outcome } of refused) expect(outcome.type).toBe('Overloaded')
    n2.step({ type: 'Receive', from: 'n4', message: { type: 'Forward', requests: flood(256) } })
    expect(n2.core.state.waiting.size).toBe(10)
    cluster.tamper = (flight) => [flight]
    cluster.pass(20)
    expect(cluster.timesExecuted(first!)).toBe(1)
  })
})
