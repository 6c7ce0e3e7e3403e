/** The recipes of examples/, each run against real nodes. */
import { EventEmitter, once } from 'node:events'
import { EtcdClient } from 'quorate/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Configuration } from '../../examples/configuration/configuration.js'
import { FencedStore, writeLocked } from '../../examples/lock-with-fencing/lock-with-fencing.js'
import { runOnOne } from '../../examples/run-on-one/run-on-one.js'
import { TestCluster } from './support/cluster.js'

describe('recipes', () => {
  let cluster: TestCluster
  let clients: EtcdClient[]
  beforeAll(async () => {
    cluster = await TestCluster.start({ dumpLogsOnFailure: false })
    clients = [0, 1, 2].map(() => new EtcdClient({ endpoints: cluster.endpoints }))
  })
  afterAll(async () => {
    for (const client of clients) client.close()
    await cluster.close()
  })

  it('run on exactly one instance: one works at a time, each has its turn', async () => {
    const ends = new EventEmitter()
    const began: string[] = []
    let working = 0
    let most = 0
    const instances = clients.map((client, i) => {
      const stop = new AbortController()
      const work = async (signal: AbortSignal) => {
        most = Math.max(most, ++working)
        began.push(`i${i}`)
        ends.emit('began')
        await once(signal, 'abort')
        working--
      }
      return { stop, done: runOnOne(client, work, stop.signal, `i${i}`) }
    })
    for (let turn = 1; turn <= 3; turn++) {
      while (began.length < turn) await once(ends, 'began', { signal: AbortSignal.timeout(20_000) })
      instances[Number(began.at(-1)?.slice(1))]?.stop.abort()
    }
    await Promise.all(instances.map(({ done }) => done))
    expect(most).toBe(1)
    expect([...began].sort()).toEqual(['i0', 'i1', 'i2'])
  })

  it('lock with a fencing token: who comes late is refused by the store', async () => {
    const [slow, fast] = clients
    if (slow === undefined || fast === undefined) throw new Error('no clients')
    const store = new FencedStore()
    let goOn = () => {}
    const heldUp = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const lines = async function* () {
      yield 'slow 1'
      // Held up in the middle. Meanwhile its lock is taken from it, and somebody else writes.
      const { leases } = await fast.leases()
      await fast.revoke(leases[0]?.ID ?? '')
      await writeLocked(fast, store, ['fast 1'])
      goOn()
      yield 'slow 2'
    }
    await expect(writeLocked(slow, store, lines())).rejects.toThrow(/is old|is lost/)
    await heldUp
    expect(store.accepted).toEqual(['slow 1', 'fast 1'])
  })

  it('configuration with a watch: always what the store has, over the death of a node', async () => {
    const [writer, reader] = clients
    if (writer === undefined || reader === undefined) throw new Error('no clients')
    await writer.put('examples/config/colour', 'red')
    const configuration = new Configuration(reader)
    const stop = new AbortController()
    const ends = new EventEmitter()
    const following = configuration.follow(() => ends.emit('changed'), stop.signal)
    const becomes = async (want: Record<string, string>) => {
      const signal = AbortSignal.timeout(20_000)
      while (JSON.stringify(Object.fromEntries(configuration.values)) !== JSON.stringify(want))
        await once(ends, 'changed', { signal })
    }
    await becomes({ colour: 'red' })
    await writer.put('examples/config/size', '5')
    await becomes({ colour: 'red', size: '5' })
    await cluster.stopNode('n1')
    await cluster.leader(['n2', 'n3'])
    await writer.delete('examples/config/colour')
    await becomes({ size: '5' })
    stop.abort()
    await following
  })
})
