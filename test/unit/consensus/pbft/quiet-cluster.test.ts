/** What must not wait for something else to happen: found while stories were told (scenarios/pbft). */
import { describe, expect, it } from 'vitest'
import { PbftCluster } from '../../../support/pbft-cluster.js'

describe('a cluster in which nothing else happens', () => {
  it('makes a checkpoint stable with the last of Q: its own counts although nothing more is written', () => {
    const c = new PbftCluster(4)
    c.replica('n4').crash()
    for (let i = 0; i < 4; i++) {
      c.ask(['n1'])
      c.settle()
    }
    for (const { core } of c.up) expect(core.state.stable.index).toBe(4)
  })

  it('executes what the primary of a new view proposes at once: the NEW-VIEW leaves before it', () => {
    const c = new PbftCluster(4)
    c.replica('n1').crash()
    const [request] = c.ask(['n2', 'n3', 'n4'])
    // Until the requests have waited long enough, and no longer: no Status repairs anything.
    while (c.up.every(({ core }) => core.state.view === 0)) for (const one of c.up) one.wait()
    c.settle()
    expect(request && c.timesExecuted(request)).toBe(1)
    for (const { executed } of c.up) expect(executed.size).toBe(1)
  })
})
