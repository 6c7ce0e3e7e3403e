/** Patience is counted while Q are heard: who is cut off keeps its view, and nothing that Q could mend goes unmended. */
import { describe, expect, it } from 'vitest'
import { chance, seededRandom } from '../../../../src/base/random.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'

/** As in production: of what patience lasts, a Status takes a fifth. */
const TICKS = { requestTicks: 50, viewChangeTicks: 100, viewChangeTicksMax: 800, statusTicks: 10 }

/** All have met, and something goes on. */
function running(n: number): PbftCluster {
  const cluster = new PbftCluster(n, TICKS)
  cluster.meet()
  cluster.ask(['n1'])
  cluster.settle()
  cluster.pass(25)
  return cluster
}

describe('who is cut off in mid run', () => {
  it('with a proposal open and a request of its own stays in its view, and the next that fails costs no view', () => {
    const cluster = running(4)
    const n4 = cluster.replica('n4')
    cluster.tamper = (flight) =>
      flight.to === 'n4' && flight.message.type !== 'PrePrepare' ? [] : [flight]
    cluster.ask(['n1'])
    cluster.settle()
    cluster.tamper = (flight) => [flight]
    cluster.isolate('n4')
    const [own] = cluster.ask(['n4'])
    expect(n4.core.state.slots.get(2)).toMatchObject({ executed: false })
    for (let i = 0; i < 10; i++) {
      cluster.ask(['n1'])
      cluster.pass(40)
    }
    expect(n4.core.state).toMatchObject({ view: 0, active: true, lastExecuted: 1 })
    cluster.heal()
    cluster.pass(30)
    cluster.replica('n3').crash()
    const [last] = cluster.ask(['n1', 'n2', 'n4'])
    cluster.pass(30)
    for (const request of [own, last]) expect(cluster.timesExecuted(request!)).toBe(1)
    for (const { core } of cluster.up) expect(core.state).toMatchObject({ view: 0, active: true })
  })

  it('between two views asks for no third, and enters the second when it is back', () => {
    const cluster = running(4)
    const n4 = cluster.replica('n4')
    cluster.replica('n1').crash()
    cluster.tamper = (flight) =>
      flight.to === 'n4' && flight.message.type === 'NewView' ? [] : [flight]
    const [request] = cluster.ask(['n2', 'n3', 'n4'])
    for (let i = 0; i < 100 && n4.core.state.viewChangeElapsed === null; i++) cluster.pass(1)
    cluster.isolate('n4')
    cluster.tamper = (flight) => [flight]
    cluster.pass(400)
    expect(n4.core.state).toMatchObject({ view: 1, active: false })
    cluster.heal()
    cluster.pass(30)
    expect(cluster.timesExecuted(request!)).toBe(1)
    for (const { core } of cluster.up) expect(core.state).toMatchObject({ view: 1, active: true })
  })
})

describe('what stops nobody', () => {
  it.each([
    [4, 1],
    [7, 2],
  ])('of %i, %i that are silent, the primary among them', (n, silent) => {
    const cluster = running(n)
    cluster.tamper = (flight) =>
      cluster.ids.indexOf(flight.from) < silent && flight.message.type !== 'Forward' ? [] : [flight]
    const asked = cluster.ids.slice(silent)
    const [request] = cluster.ask(asked)
    // A round may be a tick longer than a Status takes.
    cluster.pass(60)
    for (const id of asked) expect(cluster.replica(id).core.state.view).toBe(1)
    cluster.pass(200)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('two of five messages lost at random, and the primary silent', () => {
    const cluster = running(4)
    const random = seededRandom(7)
    cluster.tamper = (flight) => (flight.from === 'n1' || chance(random, 0.4) ? [] : [flight])
    const [request] = cluster.ask(['n2', 'n3', 'n4'])
    cluster.pass(150)
    for (const id of ['n2', 'n3', 'n4'])
      expect(cluster.replica(id).core.state.view).toBeGreaterThan(0)
    cluster.pass(600)
    expect(cluster.timesExecuted(request!)).toBe(1)
  })

  it('a network that lets one through after the other, seconds apart, and the primary silent', () => {
    const cluster = running(4)
    let ticks = 0
    // Of n2 and n3 all hear for a tick in two seconds, each in its own second.
    cluster.tamper = () => []
    const n4 = cluster.replica('n4')
    cluster.ask(['n4'])
    while (n4.core.state.view === 0 && ticks < 2_000) {
      ticks++
      if (ticks % 50 === 0) {
        const from = ticks % 100 === 0 ? 'n2' : 'n3'
        const message = { type: 'Status', view: 0, active: true, stable: 0, executed: 1 } as const
        n4.step({ type: 'Receive', from, message })
      }
      n4.tick()
    }
    // Of each of its rounds ten count.
    expect(ticks).toBeLessThanOrEqual(520)
  })
})
