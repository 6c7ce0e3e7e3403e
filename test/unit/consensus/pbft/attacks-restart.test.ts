/** Attacks and bugs of restarts. Their numbers are those of docs/pbft.md. */
import { describe, expect, it } from 'vitest'
import { present } from '../../../../src/base/assert.js'
import type { Batch, Proposed } from '../../../../src/consensus/pbft/messages.js'
import { digestOf } from '../../../../src/consensus/pbft/statements.js'
import { PbftCluster, signed } from '../../../support/pbft-cluster.js'

describe('restarts', () => {
  it('13: a restarted backup keeps to what it prepared', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    const [flight] = cluster.flights.filter((one) => one.to === 'n2')
    const { message } = present(flight)
    if (message.type !== 'PrePrepare' || message.batch === null) throw new Error('no proposal')
    const n2 = cluster.replica('n2')
    n2.step({ type: 'Receive', from: 'n1', message })
    n2.crash()
    n2.restart()
    const batch: Batch = { time: message.batch.time + 1, requests: [] }
    const digest = digestOf(n2.core.state, batch)
    const lie = signed<Proposed>({ ...message.proposed, digest })
    cluster.flights = []
    n2.step({ type: 'Receive', from: 'n1', message: { type: 'PrePrepare', proposed: lie, batch } })
    expect(cluster.flights.filter((one) => one.message.type === 'Prepare')).toEqual([])
    expect(n2.notes).toContain('equivocation-seen')
  })

  it('14: what was accepted is prepared after a restart too, by the same bytes', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    const n2 = cluster.replica('n2')
    for (const flight of cluster.flights) if (flight.to === 'n2') cluster.deliverOne(flight)
    const before = n2.core.state.slots.get(1)?.prepares.get('n2')
    expect(before).toBeDefined()
    n2.crash()
    n2.restart()
    expect(n2.core.state.slots.get(1)?.prepares.get('n2')).toEqual(before)
  })

  it('13: a restarted replica does not go back to a view that it left', () => {
    const cluster = new PbftCluster(4)
    const n2 = cluster.replica('n2')
    cluster.isolate('n2')
    cluster.ask(['n2'])
    n2.wait(12)
    expect(n2.core.state.view).toBe(1)
    n2.crash()
    n2.restart()
    cluster.heal()
    cluster.flights = []
    cluster.ask(['n1'])
    for (const flight of cluster.flights.filter((one) => one.to === 'n2'))
      cluster.deliverOne(flight)
    expect(n2.core.state.view).toBe(1)
    expect(cluster.flights.some((one) => one.from === 'n2' && one.message.type === 'Prepare')).toBe(
      false,
    )
  })

  it('a restarted primary gives an index to nothing else', () => {
    const cluster = new PbftCluster(4)
    const [first] = cluster.ask(['n1'])
    cluster.flights = []
    const n1 = cluster.replica('n1')
    n1.crash()
    n1.restart()
    const [second] = cluster.ask(['n1'])
    cluster.pass(20)
    expect(cluster.timesExecuted(first!)).toBe(1)
    expect(cluster.timesExecuted(second!)).toBe(1)
  })

  it('one whose disk lost its promises follows and signs nothing', () => {
    const cluster = new PbftCluster(4)
    cluster.ask(['n1'])
    cluster.settle()
    const n4 = cluster.replica('n4')
    n4.crash()
    n4.disk.push([{ type: 'Lost' }])
    n4.synced = n4.disk.length
    n4.restart()
    cluster.flights = []
    const sent: string[] = []
    cluster.tamper = (flight) => {
      if (flight.from === 'n4') sent.push(flight.message.type)
      return [flight]
    }
    cluster.ask(['n1'])
    cluster.pass(20)
    expect(n4.core.state.lastExecuted).toBe(2)
    expect(sent.every((type) => type === 'Status')).toBe(true)
    expect(n4.notes).toContain('vote-withheld')
  })
})
