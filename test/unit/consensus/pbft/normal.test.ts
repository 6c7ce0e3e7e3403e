import { describe, expect, it } from 'vitest'
import { PbftCluster } from '../../../support/pbft-cluster.js'

describe('the normal case (TOCS 2002 §4.2)', () => {
  it('executes what a client asked, once, everywhere', () => {
    const cluster = new PbftCluster(4)
    const [request] = cluster.ask(['n1'])
    cluster.settle()
    for (const replica of cluster.replicas) expect(replica.core.state.lastExecuted).toBe(1)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('a backup hands on what its client asked', () => {
    const cluster = new PbftCluster(4)
    const [request] = cluster.ask(['n3'])
    cluster.settle()
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.replica('n3').core.state.waiting.size).toBe(0)
  })

  it('a request that everybody was asked is executed once', () => {
    const cluster = new PbftCluster(4)
    const requests = [...cluster.ask(), ...cluster.ask()]
    cluster.settle()
    for (const request of requests) expect(cluster.timesExecuted(request)).toBe(1)
  })

  it('goes on with f replicas down', () => {
    const cluster = new PbftCluster(7)
    cluster.replica('n4').crash()
    cluster.replica('n5').crash()
    const [request] = cluster.ask(['n1'])
    cluster.settle()
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.up.every((replica) => replica.core.state.lastExecuted === 1)).toBe(true)
  })

  it('nothing is executed without Q', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n3').crash()
    cluster.replica('n4').crash()
    cluster.ask(['n1'])
    cluster.settle()
    expect(cluster.up.every((replica) => replica.core.state.lastExecuted === 0)).toBe(true)
  })

  it('moves its window with stable checkpoints, and forgets what is below', () => {
    const cluster = new PbftCluster(4)
    for (let i = 0; i < 50; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    for (const { core } of cluster.replicas) {
      expect(core.state.lastExecuted).toBe(50)
      expect(core.state.stable.index).toBe(48)
      expect(core.state.slots.size).toBeLessThan(10)
      expect(core.state.snapshot?.index).toBeGreaterThan(40)
    }
  })

  it('fills the pipeline, then batches what waits', () => {
    const cluster = new PbftCluster(4)
    for (let i = 0; i < 20; i++) cluster.ask(['n1'])
    expect(cluster.replica('n1').core.state.primary?.lastProposed).toBe(4)
    cluster.settle()
    const { lastExecuted } = cluster.replica('n2').core.state
    expect(lastExecuted).toBeGreaterThan(4)
    expect(lastExecuted).toBeLessThan(20)
  })

  it('lost votes are said again', () => {
    const cluster = new PbftCluster(4)
    let lost = 0
    cluster.tamper = (flight) => {
      const gone = ['Prepare', 'Commit'].includes(flight.message.type) && lost++ < 20
      return gone ? [] : [flight]
    }
    const [request] = cluster.ask(['n1'])
    cluster.pass(12)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('a replica that was cut off is brought up with batches and commits', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n4')
    for (let i = 0; i < 3; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    cluster.heal()
    cluster.pass(12)
    expect(cluster.replica('n4').core.state.lastExecuted).toBe(3)
    expect(cluster.replica('n4').notes).toContain('catch-up')
  })

  it('one that was cut off for longer fetches a state that others signed for', () => {
    const cluster = new PbftCluster(4)
    cluster.isolate('n4')
    for (let i = 0; i < 30; i++) {
      cluster.ask(['n1'])
      cluster.settle()
    }
    cluster.heal()
    cluster.pass(80)
    expect(cluster.replica('n4').notes).toContain('state-fetched')
    expect(cluster.replica('n4').core.state.lastExecuted).toBe(30)
  })
})
