/**
 * One cluster for all tests of a file or of a `describe`. Each finds every node running, connected and equal, whatever
 * the one before it left; what the nodes logged since is printed when it fails.
 */
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { type ClusterOptions, TestCluster } from './cluster.js'

export interface Shared {
  /** Inside a test. */
  readonly cluster: TestCluster
}

export function sharedCluster(
  options: ClusterOptions = {},
  prepare: (cluster: TestCluster) => Promise<void> = async () => {},
): Shared {
  let cluster: TestCluster | null = null
  beforeAll(async () => {
    cluster = await TestCluster.start({ ...options, dumpLogsOnFailure: false })
    await prepare(cluster)
  })
  beforeEach(async ({ onTestFailed }) => {
    onTestFailed(() => cluster?.dumpLogs())
    await cluster?.restore()
  })
  afterAll(async () => {
    await cluster?.close()
  })
  return {
    get cluster() {
      if (cluster === null) throw new Error('there is no cluster outside the tests')
      return cluster
    },
  }
}
