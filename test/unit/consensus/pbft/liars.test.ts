import { describe, expect, it } from 'vitest'
import { PbftCluster } from '../../../support/pbft-cluster.js'
import { LIES, Liars, type LieName } from '../../../support/pbft-liars.js'

const NAMES = Object.keys(LIES) as LieName[]

/** Where two liars do more than one. */
const SEVEN: readonly LieName[] = [
  'silent',
  'two batches for one index',
  'a new view that drops what was prepared',
]

/** Clients ask all honest ones, a primary dies on the way, everybody must come together again. */
function live(name: LieName, n: number, liars: readonly string[]): void {
  const cluster = new PbftCluster(n)
  new Liars(cluster, liars, name)
  const honest = cluster.replicas.filter(({ id }) => !liars.includes(id))
  const ids = honest.map(({ id }) => id)
  const asked = []
  for (let round = 0; round < 4; round++) {
    asked.push(...cluster.ask(ids, 2))
    cluster.pass(12)
    // In the middle of something prepared all honest ones grow impatient, so that the view must change with it.
    asked.push(...cluster.ask(ids))
    for (const replica of honest) replica.wait(11)
    cluster.pass(12)
  }
  cluster.pass(80)
  // Who insists gets an index again, a liar too; that it is executed once is the work of sessions.
  for (const request of asked) expect(cluster.timesExecuted(request)).toBeGreaterThan(0)
  expect(new Set(honest.map(({ core }) => core.state.lastExecuted)).size).toBe(1)
}

describe('f replicas that lie: one order, and all is executed', () => {
  it.each(NAMES)('%s: the first primary', (name) => live(name, 4, ['n1']))
  it.each(NAMES)('%s: a later one', (name) => live(name, 4, ['n2']))
  it.each(SEVEN)('%s: two of seven', (name) => live(name, 7, ['n1', 'n2']))
})

describe('f+1 replicas that lie', () => {
  it('two that give two batches to one index split the honest, and it is seen', () => {
    expect(() => live('two batches for one index', 4, ['n1', 'n2'])).toThrow(/executed .* at \d+/)
  })
})
