/** Clusters that etcd's clients are pointed at: ours, and the real one as the oracle. */
import { EtcdCluster } from '../../../src/cli/bench/etcd-cluster.js'
import { frontDoorOf, keyFileOf } from '../../../src/cli/dev/keys.js'
import { Client } from '../../../src/client/index.js'
import { startGateway, TestCluster } from '../../process/support/cluster.js'
import { startDev } from './dev-cluster.js'

export interface Target {
  readonly endpoints: readonly string[]
  /** Ends the node at this place of `endpoints`, hard. */
  kill(i: number): Promise<void>
  /** Starts it again, on its data. */
  revive(i: number): Promise<void>
  close(): Promise<void>
}

export async function startEtcd(nodes = 1): Promise<Target> {
  const cluster = await EtcdCluster.start(null, nodes)
  return {
    endpoints: cluster.endpoints,
    kill: (i) => cluster.stopNode(`e${i + 1}`),
    revive: (i) => cluster.startNode(`e${i + 1}`),
    close: () => cluster.close(),
  }
}

export async function startRaft(): Promise<Target> {
  const cluster = await TestCluster.start({ dumpLogsOnFailure: false })
  return {
    endpoints: cluster.endpoints,
    kill: async (i) => {
      await cluster.stopNode(`n${i + 1}`, 'SIGKILL')
    },
    revive: async (i) => cluster.startNode(`n${i + 1}`),
    close: () => cluster.close(),
  }
}

/** A gateway alone, to four replicas of which one tells its clients something else. */
async function startThroughGateway(): Promise<Target> {
  const dev = await startDev('pbft', 4)
  const client = new Client({ endpoints: dev.endpoints })
  await client.setByzantine(dev.endpoints[3] ?? '', ['wrong-replies'])
  client.close()
  const gateway = await startGateway(dev.dir, keyFileOf(dev.dir, frontDoorOf('n1')))
  const none = () => Promise.reject(new Error('a gateway is one endpoint'))
  return {
    endpoints: [gateway.endpoint],
    kill: none,
    revive: none,
    close: async () => {
      await gateway.close()
      await dev.close()
    },
  }
}

/** Our clusters: every test runs on each. */
export const OURS: readonly (readonly [string, () => Promise<Target>])[] = [
  ['three nodes on Raft', startRaft],
  ['four nodes on PBFT', () => startDev('pbft', 4)],
]

/** And what a client beside one is served, for whom no replica is to be believed: none of it can be killed. */
export const OURS_AND_GATEWAY: typeof OURS = [
  ...OURS,
  ['a gateway to PBFT with a liar', startThroughGateway],
]
