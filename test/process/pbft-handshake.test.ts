/** Real replicas, and somebody at the peer port who says what no replica said. */
import { cp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { keyFileOf } from '../../src/cli/dev/keys.js'
import { makeHello } from '../../src/communicator/handshake.js'
import { PEER_CHANNEL } from '../../src/communicator/link.js'
import { clusterIdOf } from '../../src/crypto/cluster-id.js'
import { type HandshakeSeals, handshakeSeals, NO_SEALS } from '../../src/crypto/handshake-seals.js'
import { readKeyFile } from '../../src/crypto/key-file.js'
import { Keyring } from '../../src/crypto/keyring.js'
import { nodeSuite } from '../../src/crypto/node.js'
import { type Start, startBytes } from '../../src/driver/starts.js'
import { type HelloReply, RefusalCode } from '../../src/gen/quorate/peer/v1/peer.js'
import { encodeAnnouncement, ownWordBytes } from '../../src/node/announcement.js'
import { connect } from '../../src/rpc/channel.js'
import { peer } from '../../src/rpc/services.js'
import type { TestCluster } from './support/cluster.js'
import { sharedCluster } from './support/shared.js'

const shared = sharedCluster({ protocol: 'pbft' })
const HUGE = 2 ** 53 - 1

async function directoryOf(cluster: TestCluster, name: string) {
  const file = join(cluster.seat(name).dataDir, 'node.json')
  return JSON.parse(await readFile(file, 'utf8')) as { uid: string; starts: number }
}

/** The newest start of `id` that `name` remembers. */
async function metBy(cluster: TestCluster, name: string, id: string): Promise<Start | null> {
  const text = await readFile(join(cluster.seat(name).dataDir, 'peers.json'), 'utf8')
  const { met } = JSON.parse(text) as { met: Start[] }
  const start = met.find((one) => one.id === id)
  return start === undefined ? null : { ...start, id }
}

/** What `name` can say with its key. */
function sealsOf({ root, trust }: TestCluster, name: string): HandshakeSeals {
  if (trust === null) throw new Error('a cluster with keys')
  const names = trust.replicas.map((one) => one.name)
  const voice = {
    suite: nodeSuite,
    signer: readKeyFile(keyFileOf(root, name)),
    clusterId: clusterIdOf(trust.token, names),
  }
  return handshakeSeals(name, voice, new Keyring({ ...voice, ...trust }))
}

interface Word {
  readonly from: string
  readonly to: string
  /** Of its own. */
  readonly start: Start
  readonly met: readonly Start[]
  readonly seals: HandshakeSeals
}

/** One Hello on a stream of its own, and the answer. */
async function say(cluster: TestCluster, { from, to, start, met, seals }: Word) {
  const sealed = (one: Start) => ({ ...one, seal: seals.seal('start', startBytes(one)) })
  const formation = { formed: true, members: [] }
  const word = { formation, clientEndpoint: '', start: sealed(start) }
  const seal = seals.seal('announcement', ownWordBytes(word))
  const bootstrap = encodeAnnouncement({ ...word, met: met.map(sealed), seal })
  const clusterId = clusterIdOf(cluster.trust!.token, ['n1', 'n2', 'n3', 'n4'])
  const { uid } = await directoryOf(cluster, from)
  const self = {
    clusterId,
    nodeId: from,
    uid,
    incarnation: 1,
    protocol: 'pbft',
    groupId: 0,
  } as const
  const channel = connect(`127.0.0.1:${cluster.seat(to).peerPort}`, PEER_CHANNEL)
  const stream = channel.stream(peer.exchange)
  try {
    return await new Promise<HelloReply>((resolve, reject) => {
      stream.onMessage(({ hello }) => hello !== undefined && resolve(hello))
      stream.onClose((error) => reject(error ?? new Error('no answer')))
      stream.write({ content: { $case: 'hello', value: makeHello(self, to, bootstrap) } })
    })
  } finally {
    channel.close()
  }
}

it('a start that nobody made, told by a stranger or by a replica, stops nobody and is not kept', async () => {
  const { cluster } = shared
  await cluster.client.put('a', '1')
  const startOf = async (id: string): Promise<Start> => {
    const { uid } = await directoryOf(cluster, id)
    return { id, uid, number: HUGE, incarnation: 1 }
  }
  const [n1, n2, n4] = await Promise.all([startOf('n1'), startOf('n2'), startOf('n4')])
  // The start that it runs in: a later one would make an old copy of it.
  const itsOwn = await cluster.until('n1 having met n4', () => metBy(cluster, 'n1', 'n4'))
  const liars = sealsOf(cluster, 'n4')
  const words: [Omit<Word, 'to'>, RefusalCode | undefined][] = [
    [{ from: 'n4', start: n4, met: [n1], seals: NO_SEALS }, RefusalCode.SIGNATURE],
    [{ from: 'n2', start: n2, met: [n1], seals: NO_SEALS }, RefusalCode.SIGNATURE],
    [{ from: 'n2', start: n2, met: [n1], seals: liars }, RefusalCode.SIGNATURE],
    // What it signs for itself is its own; it hands on what n1 never signed.
    [{ from: 'n4', start: itsOwn, met: [n1], seals: liars }, undefined],
  ]
  for (const [word, code] of words) {
    const reply = await say(cluster, { ...word, to: 'n1' })
    expect(reply.refusal?.code).toBe(code)
    expect(reply.uid).toBe(code === undefined ? n1.uid : '')
  }
  await cluster.client.put('a', '2')
  expect(cluster.seat('n1').process?.exitCode).toBeNull()
  expect(await cluster.statusOf('n1')).not.toBeNull()
  const kept = await readFile(join(cluster.seat('n1').dataDir, 'peers.json'), 'utf8')
  expect(kept).not.toContain(String(HUGE))
  // n2 is met at its next start, which is far below what was told of it.
  await cluster.stopNode('n2')
  cluster.startNode('n2')
  await cluster.converged(['n1', 'n2', 'n3'])
})

it('an old copy of a data directory is refused on the start that its own key signed', async () => {
  const { cluster } = shared
  const { dataDir } = cluster.seat('n3')
  const { starts } = await directoryOf(cluster, 'n3')
  await cluster.stopNode('n3')
  await cp(dataDir, `${dataDir}.copy`, { recursive: true })
  cluster.startNode('n3')
  await cluster.client.put('b', '1')
  await cluster.until('n1 having met the later start', async () => {
    const met = await metBy(cluster, 'n1', 'n3')
    return met !== null && met.number > starts ? true : null
  })
  await cluster.stopNode('n3')
  await rename(dataDir, `${dataDir}.newest`)
  await rename(`${dataDir}.copy`, dataDir)
  cluster.startNode('n3')
  expect(await cluster.exit('n3')).toBe(7)
  expect(cluster.seat('n3').log).toContain('old copy')
  await rm(dataDir, { recursive: true })
  await rename(`${dataDir}.newest`, dataDir)
  cluster.startNode('n3')
  await cluster.until('n3 again', () => cluster.statusOf('n3'))
})

it('a member whose data directory was wiped is refused by the word of two', async () => {
  const { cluster } = shared
  const { dataDir } = cluster.seat('n3')
  await cluster.stopNode('n3')
  await rename(dataDir, `${dataDir}.away`)
  cluster.startNode('n3')
  expect(await cluster.exit('n3')).toBe(7)
  expect(cluster.seat('n3').log).toMatch(/was wiped: .* by the word of n[124] and n[124]/)
  await rm(dataDir, { recursive: true })
  await rename(`${dataDir}.away`, dataDir)
  cluster.startNode('n3')
  await cluster.until('n3 again', () => cluster.statusOf('n3'))
})
