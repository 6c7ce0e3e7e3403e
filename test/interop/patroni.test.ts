/**
 * Patroni, unmodified, by its etcd3 driver, which speaks the JSON gateway and nothing else: two PostgreSQL servers
 * under three of our nodes. The leader takes its key and keeps it while a node of ours dies; when the server dies, the
 * other one takes over with its data, and the dead one comes back behind it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePorts } from '../support/ports.js'
import { own, Postgres, SCOPE, TTL_S } from './support/patroni.js'
import { startRaft } from './support/targets.js'

const POLL = { timeout: 90_000, interval: 250 }

interface LeaderKey {
  readonly value: string
  readonly lease: string
  readonly created: string
}

async function leaderKey(endpoint: string): Promise<LeaderKey | null> {
  const key = Buffer.from(`/service/${SCOPE}/leader`).toString('base64')
  const answer = await ask(endpoint, '/v3/kv/range', { key })
  const [kv] = answer.kvs ?? []
  if (kv === undefined) return null
  const value = Buffer.from(kv.value, 'base64').toString()
  return { value, lease: kv.lease, created: kv.create_revision }
}

interface Answer {
  readonly kvs?: readonly { value: string; lease: string; create_revision: string }[]
  readonly TTL?: string
  readonly grantedTTL?: string
}

async function ask(endpoint: string, path: string, body: object): Promise<Answer> {
  const response = await fetch(`http://${endpoint}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  return (await response.json()) as Answer
}

test('Patroni fails over between two PostgreSQL servers', { timeout: 280_000 }, async ({
  onTestFailed,
}) => {
  const cluster = await startRaft()
  const root = mkdtempSync(join(tmpdir(), 'quorate-patroni-'))
  own(root)
  const ports = await freePorts(4)
  const seats = [0, 1].map((i) => {
    const own = { rest: ports[2 * i]!, postgres: ports[2 * i + 1]! }
    return new Postgres(`p${i + 1}`, root, own, cluster.endpoints)
  })
  const [p1, p2] = seats as [Postgres, Postgres]
  onTestFailed(() => {
    for (const { name, log } of seats) console.log(`--- ${name}\n${log.slice(-6_000)}`)
  })
  const last = cluster.endpoints[2]!
  try {
    p1.start()
    await expect.poll(() => p1.is('primary'), POLL).toBe(true)
    const taken = await leaderKey(last)
    expect(taken?.value).toBe('p1')
    p2.start()
    await expect.poll(() => p2.is('replica'), POLL).toBe(true)

    // A node of ours dies, the first that Patroni was told of: the leader keeps its key, on the same lease.
    await cluster.kill(0)
    expect(await p1.sql('create table t (word text)')).not.toBeNull()
    expect(await p1.sql("insert into t values ('before')")).not.toBeNull()
    await expect.poll(() => p2.sql('select word from t'), POLL).toBe('before')
    const left = async () =>
      Number((await ask(last, '/v3/lease/timetolive', { ID: taken?.lease })).TTL)
    await expect.poll(left, POLL).toBeGreaterThan(TTL_S - 3)
    expect(await leaderKey(last)).toEqual(taken)
    await cluster.revive(0)

    // The server dies: its lease runs out, and the other takes the key.
    await p1.kill()
    await expect.poll(() => p2.is('primary'), POLL).toBe(true)
    const next = await leaderKey(last)
    expect(next?.value).toBe('p2')
    expect(Number(next?.created)).toBeGreaterThan(Number(taken?.created))
    expect(await p2.sql('select word from t')).toBe('before')
    expect(await p2.sql("insert into t values ('after')")).not.toBeNull()

    // The dead one comes back, and follows.
    p1.start()
    await expect.poll(() => p1.is('replica'), POLL).toBe(true)
    await expect
      .poll(() => p1.sql("select string_agg(word, ' ' order by word) from t"), POLL)
      .toBe('after before')
    expect((await leaderKey(last))?.value).toBe('p2')
  } finally {
    await Promise.all(seats.map((seat) => seat.kill()))
    await cluster.close()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
})
