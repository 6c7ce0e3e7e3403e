/** A command that is sent again, because its answer was lost, is answered again and not executed again. */
import { expect, it } from 'vitest'
import { encodePut, putRequest } from '../../src/client/kv.js'
import { decodeAnswer } from '../../src/machine/answers.js'
import { connect } from '../../src/rpc/channel.js'
import { quorate } from '../../src/rpc/services.js'
import { TestCluster } from './support/cluster.js'

/** One attempt, at whoever leads now. */
async function attempt(
  cluster: TestCluster,
  request: { session: number; seq: number; command: Uint8Array },
): Promise<Uint8Array> {
  const channel = connect(cluster.endpoint(await cluster.leader()))
  try {
    const command = { ...request, ackedThrough: 0, timeoutMs: 0 }
    const { answer } = await channel.unary(quorate.submitCommand, { command }, { timeoutMs: 5_000 })
    return answer
  } finally {
    channel.close()
  }
}

it('over a retry, a leader change, a snapshot and a restart of all nodes', async () => {
  const cluster = await TestCluster.start({ extraFlags: ['--snapshot-count', '20'] })
  try {
    const opening = { session: 0, seq: 4711, command: new Uint8Array(0) }
    const opened = decodeAnswer(await attempt(cluster, opening))
    if (opened?.type !== 'SessionOpened') throw new Error('no session')
    const command = encodePut(putRequest('counter', 'once'))
    const request = { session: opened.session, seq: 1, command }

    const first = await attempt(cluster, request)
    expect(decodeAnswer(first)?.type).toBe('Ok')
    expect(await attempt(cluster, request)).toEqual(first)

    const old = await cluster.leader()
    await cluster.stopNode(old, 'SIGKILL')
    const rest = cluster.seats.map((seat) => seat.name).filter((name) => name !== old)
    await cluster.leader(rest)
    cluster.startNode(old)
    expect(await attempt(cluster, request)).toEqual(first)

    for (let i = 0; i < 60; i++) await cluster.client.put(`filler-${i}`, 'x')
    await cluster.until('a snapshot on every node', async () => {
      const all = await cluster.status()
      return all.length === 3 && all.every((one) => one.snapshotIndex > 20) ? true : null
    })
    await Promise.all(cluster.seats.map((seat) => cluster.stopNode(seat.name, 'SIGKILL')))
    for (const seat of cluster.seats) cluster.startNode(seat.name)
    expect(await attempt(cluster, request)).toEqual(first)

    const { kvs } = await cluster.client.range('counter')
    expect(kvs[0]?.version).toBe(1)
    // Another command under the same seq is not executed either: the first one executed wins.
    const other = { ...request, command: encodePut(putRequest('counter', 'twice')) }
    expect(await attempt(cluster, other)).toEqual(first)
    expect((await cluster.client.range('counter')).kvs[0]?.version).toBe(1)
  } finally {
    await cluster.close()
  }
})
