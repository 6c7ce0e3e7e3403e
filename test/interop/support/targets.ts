/** Clusters that etcd's clients are pointed at: ours, and the real one as the oracle. */
import { EtcdCluster } from '../../../src/cli/bench/etcd-cluster.js'
import { TestCluster } from '../../process/support/cluster.js'
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

/** Our clusters: every test runs on each. */
export const OURS: readonly (readonly [string, () => Promise<Target>])[] = [
  ['three nodes on Raft', startRaft],
  ['four nodes on PBFT', () => startDev('pbft', 4)],
]
