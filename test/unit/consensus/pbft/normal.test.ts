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

  it('gathers what comes while an index is prepared, a full batch excepted', () => {
    const cluster = new PbftCluster(4, { unpreparedIndices: 1, batchRequestsMax: 8 })
    const { state } = cluster.replica('n1').core
    for (let i = 0; i < 7; i++) cluster.ask(['n1'])
    expect(state.primary?.lastProposed).toBe(1)
    expect(state.primary?.queue.length).toBe(6)
    cluster.ask(['n1'], 3)
    // Eight of the nine are a full batch.
    expect(state.primary?.lastProposed).toBe(2)
    expect(state.primary?.queue.length).toBe(1)
    cluster.settle()
    for (const { core } of cluster.replicas) expect(core.state.lastExecuted).toBe(3)
  })

  it('goes on as soon as the last is prepared, not only when it is executed', () => {
    const cluster = new PbftCluster(4, { unpreparedIndices: 1 })
    const { state } = cluster.replica('n1').core
    cluster.ask(['n1'])
    cluster.ask(['n1'])
    for (const flight of cluster.flights) cluster.deliverOne(flight)
    for (const flight of cluster.flights)
      if (flight.message.type === 'Prepare') cluster.deliverOne(flight)
    expect(state.lastExecuted).toBe(0)
    expect(state.primary?.lastProposed).toBe(2)
  })

  it('does not wait in a new view for what the old one prepared', () => {
    const cluster = new PbftCluster(4, { unpreparedIndices: 1 })
    cluster.replica('n1').crash()
    const requests = cluster.ask(['n2', 'n3', 'n4'], 2)
    cluster.pass(40)
    const more = cluster.ask(['n2', 'n3', 'n4'], 2)
    cluster.pass(5)
    for (const request of [...requests, ...more]) expect(cluster.timesExecuted(request)).toBe(1)
  })

  it('votes wait for the disk, and the commits that others have too for nobody', () => {
    const cluster = new PbftCluster(4)
    const kinds: string[] = []
    const { core } = cluster.replica('n2')
    const step = core.step.bind(core)
    core.step = (input) => {
      const effects = step(input)
      for (const effect of effects)
        if (effect.type === 'Persist')
          kinds.push(`${effect.records.map(({ type }) => type)} ${effect.lazy ?? false}`)
      return effects
    }
    cluster.ask(['n1'])
    cluster.settle()
    expect(kinds).toEqual(['Accepted false', 'Prepared false', 'Committed true'])
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
