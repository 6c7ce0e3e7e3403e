/** Four real processes, and one of them lies in every way there is, one after the other, while clients write. */
import { expect, it } from 'vitest'
import { utf8Decode } from '../../src/base/utf8.js'
import { keyFileOf } from '../../src/cli/dev/keys.js'
import { type Client, Connections, EtcdClient } from '../../src/client/index.js'
import { quorate, startGateway, TestCluster } from './support/cluster.js'

/** What only a primary can do; the others are a backup's, so that no view must change for them. */
const OF_A_PRIMARY = ['slow', 'starve', 'silent', 'equivocate', 'wrong-digest'] as const
const OF_A_BACKUP = [
  'mute-to-some',
  'replay',
  'far-future',
  'flood',
  'forged-votes',
  'garbage-checkpoints',
  'lying-new-view',
  'wrong-replies',
] as const

it('one of four lies in every way while clients write: every answer is right, the honest are equal', async () => {
  const cluster = await TestCluster.start({ protocol: 'pbft', nodes: 4 })
  // Some of their sessions have odd numbers, whom one kind starves. They share a stream to each replica.
  const connections = new Connections()
  const clients = Array.from({ length: 3 }, () =>
    cluster.newClient({ connections, commandTimeoutMs: 20_000 }),
  )
  let written = 0
  const write = async (client: Client) => {
    const key = `key-${written++}`
    await client.put(key, `value of ${key}`)
    const found = await client.get(key)
    expect(found === null ? null : utf8Decode(found.value)).toBe(`value of ${key}`)
  }
  const actedAt = async (name: string, kind: string) => {
    const acts = await cluster.client.byzantine(cluster.endpoint(name))
    return acts.find((one) => one.kind === kind)?.acted ?? 0
  }
  const lieUntilSeen = async (name: string, kind: string) => {
    await cluster.client.setByzantine(cluster.endpoint(name), [kind])
    await cluster.until(`${name} acting as ${kind}`, async () => {
      // In calm a client hears f+1; one that is new hears all.
      const stranger = cluster.newClient({ commandTimeoutMs: 20_000 })
      await Promise.all([...clients, stranger].map(write)).finally(() => stranger.close())
      return (await actedAt(name, kind)) > 0 ? true : null
    })
    await Promise.all(clients.map(write))
    await cluster.client.setByzantine(cluster.endpoint(name), [])
  }
  try {
    await Promise.all(clients.map(write))
    for (const kind of OF_A_PRIMARY) await lieUntilSeen(await cluster.primary(), kind)
    const primary = await cluster.primary()
    const backup = cluster.seats.map(({ name }) => name).find((name) => name !== primary)!
    for (const kind of OF_A_BACKUP) await lieUntilSeen(backup, kind)

    // It leaves a view as all do, and shows nothing of it. On a busy machine another may lead by now.
    const leads = await cluster.primary()
    const leaver = leads === backup ? primary : backup
    await cluster.client.setByzantine(cluster.endpoint(leaver), ['lying-view-change'])
    const others = cluster.seats.map(({ name }) => name).filter((name) => name !== leads)
    await cluster.client.setPartition(cluster.endpoint(leads), others)
    await cluster.until(`${leaver} leaving a view`, async () => {
      await Promise.all(clients.map(write))
      return (await actedAt(leaver, 'lying-view-change')) > 0 ? true : null
    })
    await cluster.client.setPartition(cluster.endpoint(leads), [])
    await cluster.client.setByzantine(cluster.endpoint(leaver), [])
    await Promise.all(clients.map(write))

    const restart = async () => {
      await cluster.stopNode(backup)
      cluster.startNode(backup)
      await cluster.until(`${backup} again`, () => cluster.statusOf(backup))
    }
    // What it promised it forgets at a start: it may vote again on what it has voted on.
    await cluster.client.setByzantine(cluster.endpoint(backup), ['amnesia'])
    for (let round = 0; round < 2; round++) {
      await Promise.all([...clients.map(write), restart()])
      await Promise.all(clients.map(write))
    }
    expect(await actedAt(backup, 'amnesia')).toBe(1)
    await cluster.client.setByzantine(cluster.endpoint(backup), [])
    await restart()
    expect(await cluster.client.byzantine(cluster.endpoint(backup))).toEqual([])

    await cluster.converged()
    const { kvs } = await cluster.client.range('key-', { prefix: true, timeoutMs: 10_000 })
    expect(kvs).toHaveLength(written)
    for (const kv of kvs) {
      expect(utf8Decode(kv.value)).toBe(`value of ${utf8Decode(kv.key)}`)
      expect(kv.version).toBe(1)
    }
  } finally {
    for (const client of clients) client.close()
    await cluster.close()
  }
})

it('a replica that answers wrongly is believed by nobody, and asked alone it is no help', async () => {
  const cluster = await TestCluster.start({ protocol: 'pbft', nodes: 4 })
  const all = ['--endpoints', cluster.endpoints.join(',')]
  const file = ['--cluster-file', `${cluster.root}/cluster.json`]
  const only = ['--endpoints', cluster.endpoint('n4'), '--command-timeout', '3s']
  try {
    const told = await quorate(['fault', 'byzantine', 'n4', 'wrong-replies', ...all])
    expect(told).toMatchObject({ code: 0, stdout: 'n4: wrong-replies (acted 0 times)\n' })
    expect((await quorate(['put', 'who', 'honest', ...all, ...file])).stdout).toBe('OK\n')
    expect((await quorate(['get', 'who', ...all, ...file])).stdout).toBe('who\nhonest\n')
    const alone = await quorate(['get', 'who', ...only])
    expect(alone.code).not.toBe(0)
    expect(alone.stdout).toBe('')
    const withFile = await quorate(['get', 'who', ...only, ...file])
    if (withFile.code === 0) expect(withFile.stdout).toBe('who\nhonest\n')
    else expect(withFile.stdout).toBe('')
    await throughAGateway(cluster)
    const acts = await quorate(['fault', 'byzantine', 'n4', ...all])
    expect(acts.stdout).toMatch(/^n4: wrong-replies \(acted [1-9][0-9]* times\)\n$/)
    const cleared = await quorate(['fault', 'byzantine', 'n4', 'clear', ...all])
    expect(cleared.stdout).toBe('n4: honest\n')
    const unknown = await quorate(['fault', 'byzantine', 'n4', 'shouting', ...all])
    expect(unknown.code).not.toBe(0)
    expect(unknown.stderr).toContain('equivocate')
  } finally {
    await cluster.close()
  }
})

/** An etcd client beside it is told what f+1 say, whatever n4 does. */
async function throughAGateway(cluster: TestCluster): Promise<void> {
  const gateway = await startGateway(cluster.root, keyFileOf(cluster.root, 'n1-door'))
  const client = new EtcdClient({
    endpoints: [gateway.endpoint],
    requestTimeoutMs: 20_000,
    attemptTimeoutMs: 20_000,
  })
  try {
    const watch = client.watch('g')
    await watch.created
    await client.put('g', 'first')
    const { revision } = await client.put('g', 'second').then(({ header }) => header!)
    const seen: string[] = []
    while (seen.length < 2) {
      const { value: batch } = await watch.next()
      for (const { kv } of batch?.events ?? [])
        seen.push(`${utf8Decode(kv.value)}@${kv.modRevision}`)
    }
    expect(seen).toEqual([`first@${revision - 1}`, `second@${revision}`])
    const found = await client.get('g', { serializable: true })
    expect(utf8Decode(found!.value)).toBe('second')
    await (await client.lock('l')).release()
  } finally {
    client.close()
    await gateway.close()
  }
}
