/**
 * What a message may make a replica verify. That nothing is lost by what is left out, every test with PbftCluster checks: of
 * each message that its replicas do not read the core would have made nothing.
 */
import { describe, expect, it } from 'vitest'
import { utf8Decode, utf8Encode } from '../../../src/base/utf8.js'
import type { Request } from '../../../src/consensus/contract.js'
import { FORWARD_REQUESTS_MAX } from '../../../src/consensus/pbft/codec.js'
import { batchDigest, INDICES_MAX } from '../../../src/consensus/pbft/encoding.js'
import {
  type Batch,
  type Commit,
  type Message,
  type PrePrepare,
  type Proposed,
  statementsOf,
  type ViewChange,
} from '../../../src/consensus/pbft/messages.js'
import type { State } from '../../../src/consensus/pbft/state.js'
import { Evidence } from '../../../src/crypto/evidence.js'
import { fakeSuite, fakeVerify } from '../../../src/crypto/fake.js'
import { FORGED_OF_FORWARD_MAX, Keyring } from '../../../src/crypto/keyring.js'
import type { Suite } from '../../../src/crypto/ports.js'
import { readMessage } from '../../../src/crypto/reading.js'
import { signRequests } from '../../../src/crypto/sealed.js'
import { CLUSTER_ID, PbftCluster, signed } from '../../support/pbft-cluster.js'
import {
  certificate,
  checkpoint,
  commit,
  D1,
  D2,
  IDS,
  newView,
  prepare,
  proposed,
  viewChange,
} from '../../support/pbft-statements.js'

/** A replica's key is its name, as in the cluster of these tests; clients' are as long as real ones. */
const SUITE: Suite = {
  ...fakeSuite,
  verifier: (publicKey) =>
    publicKey.length > 8
      ? fakeSuite.verifier(publicKey)
      : {
          publicKey,
          verify: (bytes, signature) => fakeVerify(utf8Decode(publicKey), bytes, signature),
        },
}
const CLIENT = fakeSuite.signer(new Uint8Array(32).fill(9))
const times = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i))

/** Each under a signature of its own. */
const requests = (n: number, from = 1): Request[] =>
  times(n, (i) => {
    const request = { session: 1, seq: from + i, ackedThrough: 0, command: Uint8Array.of(1) }
    return signRequests({ suite: SUITE, signer: CLIENT, clusterId: CLUSTER_ID }, [request])[0]!
  })
const forged = (n: number): Request[] => requests(n).map((one) => ({ ...one, ackedThrough: 9 }))

function prePrepare(view: number, index: number, batch: Batch): PrePrepare {
  const digest = batchDigest(SUITE.digest, CLUSTER_ID, batch)
  return { type: 'PrePrepare', proposed: proposed(view, index, digest), batch }
}

class Host {
  readonly evidence: Evidence
  readonly keyring: Keyring
  readonly state: State

  constructor(state: State) {
    this.state = state
    this.keyring = new Keyring({
      suite: SUITE,
      clusterId: CLUSTER_ID,
      replicas: IDS.map((name) => ({ name, publicKey: utf8Encode(name) })),
      clients: [{ name: 'c', publicKey: CLIENT.publicKey }],
      allowAnonymousClients: false,
    })
    this.evidence = new Evidence(
      () => {},
      (statement) => this.keyring.verifyStatement(statement),
    )
  }

  /** What becomes of it, and how many signatures that took. */
  read(message: Message): { read: Message | null | 'unneeded'; signatures: number } {
    const before = this.keyring.counters.verifications
    const read = readMessage(this.state, message, this)
    return { read, signatures: this.keyring.counters.verifications - before }
  }
}

/** n3, where three batches are executed. */
function host(): { host: Host; cluster: PbftCluster } {
  const cluster = new PbftCluster(4)
  for (let i = 0; i < 3; i++) {
    cluster.ask(['n1'])
    cluster.settle()
  }
  return { host: new Host(cluster.replica('n3').core.state), cluster }
}

/** n3 has left view 0, and n2 is to open the next one. */
function leaving(): Host {
  const of = host()
  const { state } = of.host
  state.view = 1
  state.active = false
  return of.host
}

const NOTHING = { read: 'unneeded', signatures: 0 }

const committed = (index: number): Message => ({
  type: 'CommittedBatch',
  commits: ['n1', 'n2', 'n4'].map((id) => commit(id, 9, index, D1)),
  batch: null,
})

describe('nothing is verified', () => {
  it.each<[string, Message]>([
    ['a Prepare beyond the window', prepare('n2', 0, 100)],
    ['a Prepare of another epoch', { ...prepare('n2', 0, 4), epoch: 1 }],
    ['a Commit of what is executed', commit('n2', 7, 2, D1)],
    ['a Commit beyond the window', commit('n2', 0, 100, D1)],
    ['a Checkpoint of no multiple', checkpoint('n2', 7)],
    [
      'checkpoints of one replica',
      { type: 'StableCheckpoint', checkpoints: times(4, () => checkpoint('n4', 4)) },
    ],
    [
      'commits of one replica',
      { type: 'CommittedBatch', commits: times(16, () => commit('n4', 0, 4, D1)), batch: null },
    ],
    [
      'commits of what is executed',
      {
        type: 'CommittedBatch',
        commits: ['n1', 'n2', 'n4'].map((id) => commit(id, 9, 2, D1)),
        batch: null,
      },
    ],
    ['a ViewChange to a view that is over', viewChange('n4', 0)],
    ['commits far ahead', committed(500)],
    ['a StableCheckpoint that is old', { type: 'StableCheckpoint', checkpoints: [] }],
    ['a ViewChange of its own', viewChange('n3', 3)],
    ['a NewView of a view that is over', newView(0, {})],
    ['a NewView of another replica', { ...newView(5, {}), sender: 'n4' }],
  ])('%s', (_, message) => {
    expect(host().host.read(message)).toEqual(NOTHING)
  })

  it('of all that a replica can put into a ViewChange under its own key, or into one said before', () => {
    const own = times(INDICES_MAX, (i) => ({
      proposed: proposed(3, i + 1),
      prepares: times(15, (j) => prepare('n4', 3, i + 1, j % 2 === 0 ? D1 : D2)),
    }))
    const message = viewChange('n4', 8, { prepared: own })
    expect(statementsOf(message).length).toBeGreaterThan(16_000)
    const { host: n3 } = host()
    expect(n3.read(message)).toEqual(NOTHING)
    const good = viewChange('n4', 8, { prepared: [certificate(0, 4)] })
    expect(n3.read(good)).toEqual({ read: good, signatures: 4 })
    n3.state.viewChanges.set('n4', good)
    expect(n3.read(viewChange('n4', 7, { prepared: [certificate(1, 4)] }))).toEqual(NOTHING)
  })

  it('of a proposal that was accepted: it is verified once, and hashed no more', () => {
    const { host: n3, cluster } = host()
    const message = prePrepare(0, 4, { time: 1, requests: requests(20) })
    expect(n3.read(message)).toEqual({ read: message, signatures: 21 })
    cluster.replica('n3').step({ type: 'Receive', from: 'n1', message })
    const again = { ...message, batch: { time: 1, requests: requests(20, 50) } }
    expect(n3.read(again)).toEqual(NOTHING)
  })
})

describe('one signature is verified', () => {
  it('of a NewView that proves nothing: its primary has signed the end of its view', () => {
    const n3 = leaving()
    const own = times(20, (i) => ({
      proposed: proposed(1, i + 1),
      prepares: times(15, () => prepare('n2', 1, i + 1)),
    }))
    const viewChanges = times(16, () => viewChange('n2', 1, { prepared: own }))
    const message = newView(1, { viewChanges })
    expect(statementsOf(message).length).toBeGreaterThan(5_000)
    expect(n3.read(message)).toEqual({ read: message, signatures: 1 })
    expect(n3.read({ ...message, viewChanges: [] })).toEqual({ read: null, signatures: 1 })
    // A later one is nobody's that we wait for.
    expect(n3.read(newView(2, { viewChanges }))).toEqual(NOTHING)
  })

  it('of a second proposal for an index, and both are kept as evidence', () => {
    const { host: n3, cluster } = host()
    const first = prePrepare(0, 4, { time: 1, requests: requests(20) })
    n3.read(first)
    cluster.replica('n3').step({ type: 'Receive', from: 'n1', message: first })
    const second = prePrepare(0, 4, { time: 1, requests: forged(20) })
    expect(n3.read(second)).toEqual({ read: second, signatures: 1 })
    expect(n3.evidence.contradictions).toHaveLength(1)
    cluster.replica('n3').step({ type: 'Receive', from: 'n1', message: second })
    expect(n3.state.primarySuspected).toBe(true)
  })

  it.each<[string, Message]>([
    ['in another view', prePrepare(4, 4, { time: 1, requests: requests(20) })],
    ['beyond the window', prePrepare(0, 100, { time: 1, requests: requests(20) })],
    ['of nothing', { type: 'PrePrepare', proposed: proposed(0, 4), batch: null }],
    [
      'of somebody else',
      { type: 'PrePrepare', proposed: proposed(0, 4, D1, 'n2'), batch: { time: 1, requests: [] } },
    ],
  ])('of a proposal %s', (_, message) => {
    expect(host().host.read(message)).toEqual({ read: 'unneeded', signatures: 1 })
  })

  it('of a proposal that comes too late, for people to know of', () => {
    const { host: n3 } = host()
    const batch = (seq: number): Batch => ({ time: 1, requests: requests(20, seq) })
    n3.read(prePrepare(0, 4, batch(1)))
    n3.state.view = 1
    expect(n3.read(prePrepare(0, 4, batch(100)))).toEqual({ read: 'unneeded', signatures: 1 })
    expect(n3.evidence.contradictions).toMatchObject([{ replica: 'n1', kind: 'Proposed' }])
  })
})

it('what was stable or executed meanwhile is not verified', () => {
  const cluster = new PbftCluster(4)
  for (let i = 0; i < 6; i++) {
    cluster.ask(['n1'])
    cluster.settle()
  }
  const n3 = new Host(cluster.replica('n3').core.state)
  expect(n3.state.stable.index).toBe(4)
  const { checkpoints } = n3.state.stable
  expect(n3.read({ type: 'StableCheckpoint', checkpoints })).toEqual(NOTHING)
  const slot = n3.state.slots.get(6)
  const message: Message = { type: 'CommittedBatch', commits: slot!.committed!, batch: null }
  expect(n3.read(message)).toEqual(NOTHING)
  // Committed, its batch known, and not executed yet: nothing is lacking either.
  n3.state.lastExecuted = 5
  expect(n3.read(message)).toEqual(NOTHING)
  slot!.batches.clear()
  expect(n3.read(message)).toEqual({ read: message, signatures: 3 })
  // Let go of behind a snapshot.
  n3.state.slots.delete(6)
  n3.state.lastExecuted = 6
  expect(n3.read(message)).toEqual(NOTHING)
  n3.state.view = 2
  expect(n3.read(viewChange('n4', 1))).toEqual(NOTHING)
  expect(n3.read(viewChange('n4', 2))).toEqual(NOTHING)
  n3.state.active = false
  expect(n3.read(viewChange('n4', 2)).signatures).toBe(1)
})

it('a vote that is not read is put aside, and verified when its sender says another', () => {
  const { host: n3 } = host()
  n3.state.view = 2
  expect(n3.read(prepare('n4', 1, 5, D1))).toEqual(NOTHING)
  expect(n3.read(prepare('n4', 1, 5, D1))).toEqual(NOTHING)
  // It comes in a certificate.
  const other = {
    proposed: proposed(1, 5, D2),
    prepares: [prepare('n3', 1, 5, D2), prepare('n4', 1, 5, D2)],
  }
  expect(n3.read(viewChange('n4', 3, { prepared: [other] })).signatures).toBe(5)
  expect(n3.evidence.contradictions).toMatchObject([{ replica: 'n4', kind: 'Prepare', index: 5 }])
})

it('a stranger to the cluster leaves nothing behind', () => {
  const { host: n3 } = host()
  const of = (sender: string): Commit => signed<Commit>({ ...commit('n4', 1, 2, D1), sender })
  for (let i = 0; i < 10; i++) expect(n3.read(of(`x${i}`))).toEqual(NOTHING)
  expect(n3.evidence.contradictions).toEqual([])
})

describe('of a Forward', () => {
  it('what waits here is not verified again, whatever proof it comes with', () => {
    const { host: n3, cluster } = host()
    const known = requests(FORWARD_REQUESTS_MAX, 100)
    cluster.isolate('n3')
    cluster.replica('n3').step({ type: 'Propose', requests: known })
    const [news] = requests(1, 1_000)
    const message = { type: 'Forward', requests: [...forgedOf(known), news!] } as const
    expect(n3.read(message)).toEqual({ read: { type: 'Forward', requests: [news] }, signatures: 1 })
  })

  it('nothing is verified where nothing finds room', () => {
    const cluster = new PbftCluster(4, { waitingRequestsMax: 8 })
    const n3 = new Host(cluster.replica('n3').core.state)
    cluster.isolate('n3')
    cluster.replica('n3').step({ type: 'Propose', requests: requests(7, 100) })
    expect(n3.read({ type: 'Forward', requests: requests(5) }).signatures).toBe(5)
    cluster.replica('n3').step({ type: 'Propose', requests: requests(1, 200) })
    const message = { type: 'Forward', requests: requests(5) } as const
    expect(n3.read(message)).toEqual({ read: { type: 'Forward', requests: [] }, signatures: 0 })
  })

  it('some that are forged end it: whoever hands on has verified', () => {
    const { host: n3 } = host()
    const good = requests(3, 500)
    const bad = forged(FORWARD_REQUESTS_MAX)
    const one = [good[0]!, bad[0]!, good[1]!]
    expect(n3.read({ type: 'Forward', requests: one }).read).toEqual({
      type: 'Forward',
      requests: [good[0], good[1]],
    })
    expect(n3.read({ type: 'Forward', requests: [...bad, good[2]!] })).toEqual({
      read: { type: 'Forward', requests: [] },
      signatures: FORGED_OF_FORWARD_MAX,
    })
    // A client that is not let in here may be let in there: it costs nothing, and ends nothing.
    const stranger = fakeSuite.signer(new Uint8Array(32).fill(7))
    const voice = { suite: SUITE, signer: stranger, clusterId: CLUSTER_ID }
    const strange = times(10, (i) => signRequests(voice, [{ ...good[2]!, seq: 900 + i }])[0]!)
    expect(n3.read({ type: 'Forward', requests: [...strange, good[2]!] })).toEqual({
      read: { type: 'Forward', requests: [good[2]] },
      signatures: 1,
    })
  })
})

const forgedOf = (of: readonly Request[]): Request[] =>
  of.map((one) => ({ ...one, ackedThrough: 9 }))

/** Of a cluster of four with L = 256, as docs/pbft.md tells: no more is looked at, since no more could be proved by it. */
it('the most that one proof makes a replica verify is what its window holds', () => {
  const cluster = new PbftCluster(4, { windowIndices: 256, checkpointInterval: 128 })
  const n3 = new Host(cluster.replica('n3').core.state)
  n3.state.view = 1
  n3.state.active = false
  const cast = (view: number, index: number) => {
    const of = proposed(view, index)
    const backups = IDS.filter((id) => id !== of.sender)
    return { proposed: of, prepares: backups.map((id) => prepare(id, view, index)) }
  }
  const shown = (sender: string, view: number, by: number): ViewChange =>
    viewChange(sender, by, {
      stable: 128,
      checkpoints: IDS.map((id) => checkpoint(id, 128)),
      prepared: times(256, (i) => cast(view, 129 + i)),
    })
  const all = shown('n4', 0, 1)
  expect(n3.read(all)).toEqual({ read: all, signatures: 1 + 4 + 256 * 4 })
  const more = { ...all, prepared: [...all.prepared, cast(0, 129 + 256)] }
  expect(n3.read(signed<ViewChange>(more))).toEqual(NOTHING)
  // A NewView, each of whose view changes shows another view's certificates.
  n3.state.view = 16
  const viewChanges = IDS.map((id, i) => shown(id, 4 + i, 16))
  const proposals = times(256, (i) => signed<Proposed>({ ...proposed(16, 129 + i, D1) }))
  const message = newView(16, { viewChanges, proposals })
  expect(n3.read(message).read).toBe(message)
  expect(n3.keyring.counters.verifications - (1 + 4 + 256 * 4)).toBe(1 + 256 + 4 * (1 + 256 * 4))
})
