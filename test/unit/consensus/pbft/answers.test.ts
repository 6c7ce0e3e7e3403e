/** What one peer is given in one tick, in bytes: it is encoded before anybody knows whether it finds room on the way. */
import { expect, it } from 'vitest'
import { COMMUNICATOR_LIMITS } from '../../../../src/communicator/types.js'
import { encodeMessage } from '../../../../src/consensus/pbft/codec.js'
import type { Message } from '../../../../src/consensus/pbft/messages.js'
import { ANSWER_BYTES_MAX } from '../../../../src/consensus/pbft/status.js'
import { PbftCluster } from '../../../support/pbft-cluster.js'
import { certificate, newView, viewChange } from '../../../support/pbft-statements.js'

const MIB = 1024 * 1024

/** n1 has executed batches of 1 MiB each; n4 heard of none. */
function behind(batches: number): PbftCluster {
  const cluster = new PbftCluster(4, {
    checkpointInterval: 32,
    windowIndices: 64,
    snapshotIndices: 1_000,
    requestTicks: 1_000,
    catchUpBatchesMax: 4,
  })
  cluster.isolate('n4')
  for (let seq = 1; seq <= batches; seq++) {
    const request = { session: 1, seq, ackedThrough: 0, command: new Uint8Array(MIB) }
    cluster.replica('n1').step({ type: 'Propose', requests: [request] })
    cluster.settle()
  }
  cluster.heal()
  return cluster
}

const bytesOf = (messages: readonly Message[]): number =>
  messages.reduce((sum, message) => sum + encodeMessage(message).length, 0)

/** All that n1 sends while it is told this. */
function answers(cluster: PbftCluster, tell: readonly Message[], from = 'n4'): Message[] {
  cluster.flights = []
  for (const message of tell) cluster.replica('n1').step({ type: 'Receive', from, message })
  return cluster.flights.filter(({ to }) => to === from).map(({ message }) => message)
}

function fetchOf(cluster: PbftCluster, index: number): Message {
  const digest = cluster.replica('n1').core.state.slots.get(index)?.proposed?.digest ?? ''
  return { type: 'FetchBatch', index, digest }
}

const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one)

it('29: whoever asks again and again for a large batch is given so many bytes a tick', () => {
  const cluster = behind(2)
  const given = answers(cluster, times(60, fetchOf(cluster, 1)))
  expect(bytesOf(given)).toBeGreaterThan(ANSWER_BYTES_MAX - 2 * MIB)
  expect(bytesOf(given)).toBeLessThan(ANSWER_BYTES_MAX + MIB)
  expect(cluster.replica('n1').notes).toContain('asks-too-much')
  // Another peer has its own, and the next tick as much again.
  expect(answers(cluster, [fetchOf(cluster, 1)], 'n3')).toHaveLength(1)
  expect(answers(cluster, [fetchOf(cluster, 1)])).toEqual([])
  cluster.replica('n1').tick()
  expect(answers(cluster, [fetchOf(cluster, 1)])).toHaveLength(1)
})

it('29: nor does it help to say how far one is, again and again', () => {
  const cluster = behind(8)
  const status = { type: 'Status', view: 0, active: true, stable: 0, executed: 0 } as const
  const given = answers(cluster, [...times(16, status), ...times(16, fetchOf(cluster, 1))])
  expect(bytesOf(given)).toBeLessThan(ANSWER_BYTES_MAX + MIB)
  expect(bytesOf(given)).toBeGreaterThan(ANSWER_BYTES_MAX - 2 * MIB)
})

it('a proof of a view counts by its statements', () => {
  const cluster = behind(1)
  const { state } = cluster.replica('n1').core
  const shown = viewChange('n2', 4, { prepared: times(1_024, certificate(0, 1)) })
  state.newView = newView(4, { viewChanges: [shown, shown, shown] })
  state.view = 4
  const status = { type: 'Status', view: 3, active: true, stable: 0, executed: 1 } as const
  const given = answers(cluster, times(16, status)).filter(({ type }) => type === 'NewView')
  expect(given.length).toBeGreaterThan(1)
  expect(bytesOf(given)).toBeLessThan(ANSWER_BYTES_MAX)
})

it('is no more than finds room on the way', () => {
  expect(ANSWER_BYTES_MAX).toBe(COMMUNICATOR_LIMITS.queuedBytesMax)
})

it('whoever is refused asks again by itself, and is given what it lacks', () => {
  const cluster = behind(3)
  const n4 = cluster.replica('n4')
  // It has the commits, and hears of no batch but by asking for it.
  cluster.tamper = (flight) => (/Committed|PrePrepare/.test(flight.message.type) ? [] : [flight])
  for (const id of ['n2', 'n3']) cluster.block(id, 'n4')
  const commits = (index: number) => [
    ...(cluster.replica('n1').core.state.slots.get(index)?.commits.values() ?? []),
  ]
  // Somebody has asked in its name before it did.
  answers(cluster, times(60, fetchOf(cluster, 1)))
  cluster.flights = []
  for (const index of [1, 2, 3])
    for (const message of commits(index))
      n4.step({ type: 'Receive', from: message.sender, message })
  cluster.settle()
  expect(n4.core.state.lastExecuted).toBe(0)
  cluster.pass(12)
  expect(n4.core.state.lastExecuted).toBe(3)
})
