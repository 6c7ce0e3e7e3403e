import { describe, expect, it } from 'vitest'
import { PbftCluster } from '../../../support/pbft-cluster.js'

describe('view changes (TOCS 2002 §4.4)', () => {
  it('a silent primary is replaced, and what clients asked is executed once', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n1').crash()
    const [request] = cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(40)
    expect(cluster.timesExecuted(request!)).toBe(1)
    for (const { core } of cluster.up) {
      expect(core.state.view).toBe(1)
      expect(core.state.active).toBe(true)
    }
    cluster.replica('n1').restart()
    cluster.pass(20)
    expect(cluster.replica('n1').core.state.view).toBe(1)
    expect(cluster.replica('n1').core.state.lastExecuted).toBe(1)
  })

  it('f primaries in a row may be silent', () => {
    const cluster = new PbftCluster(7)
    cluster.replica('n1').crash()
    cluster.replica('n2').crash()
    const [request] = cluster.ask(['n3', 'n4', 'n5', 'n6', 'n7'])
    cluster.pass(80)
    expect(cluster.timesExecuted(request!)).toBe(1)
    expect(cluster.replica('n3').core.state.view).toBe(2)
  })

  it('what one replica executed stands in the next view', () => {
    const cluster = new PbftCluster(4)
    // Commits reach n2 alone: it executes, the others have only prepared.
    cluster.tamper = (flight) =>
      flight.message.type === 'Commit' && flight.to !== 'n2' ? [] : [flight]
    const [request] = cluster.ask(['n1'])
    cluster.settle()
    expect(cluster.replica('n2').core.state.lastExecuted).toBe(1)
    expect(cluster.replica('n3').core.state.lastExecuted).toBe(0)
    cluster.replica('n1').crash()
    cluster.isolate('n2')
    // n2 and n1 are gone: two are no quorum, and the one who executed comes back.
    cluster.tamper = (flight) => [flight]
    cluster.ask(['n3', 'n4'])
    cluster.pass(30)
    cluster.heal()
    cluster.pass(150)
    expect(cluster.timesExecuted(request!)).toBe(1)
    for (const { core } of cluster.up) expect(core.state.lastExecuted).toBeGreaterThan(0)
  })

  it('an idle cluster never changes views', () => {
    const cluster = new PbftCluster(4)
    cluster.pass(200)
    expect(cluster.replicas.every(({ core }) => core.state.view === 0)).toBe(true)
  })

  it('9: one replica alone moves nobody', () => {
    const cluster = new PbftCluster(4)
    // It hears the others, and nobody hears it.
    for (const id of ['n1', 'n2', 'n3']) cluster.block('n4', id)
    const [lonely] = cluster.ask(['n4'])
    cluster.pass(60)
    expect(cluster.replica('n4').core.state.view).toBeGreaterThan(0)
    cluster.heal()
    const [other] = cluster.ask(['n1'])
    cluster.pass(60)
    expect(cluster.replica('n1').core.state.view).toBe(0)
    // It votes no more in the view that it left; its client is served all the same.
    expect(cluster.timesExecuted(lonely!)).toBe(1)
    expect(cluster.timesExecuted(other!)).toBe(1)
    expect(cluster.replica('n4').core.state.waiting.size).toBe(0)
  })

  it('all restart in the middle of a view change, and it ends', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n1').crash()
    const [request] = cluster.ask(['n2', 'n3', 'n4'])
    for (const replica of cluster.up) replica.wait(12)
    cluster.flights = []
    for (const replica of cluster.up) {
      replica.crash()
      replica.restart()
      expect(replica.core.state.active).toBe(false)
      expect(replica.core.state.view).toBe(1)
    }
    cluster.pass(20)
    cluster.replica('n2').step({ type: 'Propose', requests: [request!] })
    cluster.pass(40)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('9: three that live and ask for different views come together', () => {
    const cluster = new PbftCluster(4)
    cluster.replica('n1').crash()
    cluster.ask(['n2', 'n3', 'n4'])
    // All three ask for view 1 and n4 hears of it; what they say to each other else is lost.
    for (const replica of cluster.up) replica.wait(10)
    for (const flight of cluster.flights) if (flight.to === 'n4') cluster.deliverOne(flight)
    cluster.flights = []
    cluster.replica('n4').wait(30)
    cluster.flights = []
    const views = cluster.up.map(({ core }) => core.state.view)
    expect(views).toEqual([1, 1, 2])
    // Nobody says 1 for the third time: n2 and n3 must grow tired of it by themselves.
    cluster.pass(60)
    expect(cluster.up.every(({ core }) => core.state.active)).toBe(true)
    expect(cluster.up.every(({ core }) => core.state.lastExecuted > 0)).toBe(true)
  })

  it('clocks that were set back do not stop what was agreed from being followed', () => {
    const cluster = new PbftCluster(4)
    for (const replica of cluster.replicas) replica.now += 600_000
    cluster.pass(1)
    const [first] = cluster.ask()
    cluster.pass(5)
    expect(cluster.timesExecuted(first!)).toBe(1)
    for (const replica of cluster.replicas) replica.now -= 600_000
    cluster.pass(1)
    const [second] = cluster.ask()
    cluster.pass(20)
    expect(cluster.timesExecuted(second!)).toBe(1)
    expect(cluster.replica('n2').core.state.view).toBe(0)
  })
})
