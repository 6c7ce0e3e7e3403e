/** A node's communicator, and who is told what the peers say: handshakes go to forming, the rest to the ring. */
import { Communicator } from '../communicator/communicator.js'
import type { CommunicatorOptions, Identity } from '../communicator/types.js'
import type { NodeId } from '../consensus/ids.js'
import type { Metrics } from '../server/http/metrics/metrics.js'
import type { NodeConfig } from './config.js'
import { etcdMembers } from './etcd.js'
import type { Forming } from './forming.js'
import { hostPort } from './listen.js'
import type { Log } from './log.js'
import type { Snapshots } from './snapshots.js'
import type { StateTransfer } from './state-transfer.js'

interface RingEnds {
  readonly snapshots: Snapshots
  readonly transfer: StateTransfer | null
}

export interface PeersSetup {
  readonly config: NodeConfig
  /** Of the data directory, and of this start. */
  readonly of: Pick<Identity, 'clusterId' | 'uid' | 'incarnation'>
  readonly formed: boolean
  /** Fresh at each start. */
  readonly seed: number
  readonly forming: Forming
  readonly onMessage: CommunicatorOptions['onMessage']
  /** Null while the node starts. */
  readonly ring: () => RingEnds | null
  readonly metrics: Metrics
  readonly log: Log
}

export function communicatorOf(setup: PeersSetup): Communicator {
  const { config, forming, ring, metrics, log } = setup
  const { ids } = etcdMembers(config)
  const peers = new Map<NodeId, string>()
  for (const { name, address } of config.initialCluster)
    if (name !== config.name) peers.set(name, hostPort(address))
  return new Communicator({
    identity: { ...setup.of, nodeId: config.name, protocol: config.protocol, groupId: 0 },
    peers,
    seed: setup.seed,
    bootstrap: new Uint8Array(0),
    formed: setup.formed,
    onMessage: setup.onMessage,
    onHello: (heard) => forming.heard(heard),
    objection: (heard) => forming.objection(heard),
    onGone: (id) => forming.gone(id),
    openSnapshot: (snapshot, done) => {
      const snapshots = ring()?.snapshots
      if (snapshots === undefined) setImmediate(() => done(null))
      else snapshots.openToSend(snapshot, done)
    },
    receiveSnapshot: (from, meta, bytesTotal) =>
      // Whole snapshots are a leader's, who is believed; over PBFT each part is asked for and verified.
      config.protocol === 'pbft'
        ? 'over PBFT nobody is sent a snapshot'
        : (ring()?.snapshots.receive(from, meta, bytesTotal) ?? 'the node is starting'),
    parts: {
      asked: (snapshot, part, done) => ring()?.transfer?.asked(snapshot, part, done),
      answered: (from, part, data) => ring()?.transfer?.answered(from, part, data),
    },
    onRoundTrip: (id, seconds) => metrics.roundTrip(ids.memberOf(id), seconds),
    log: (event) => log.info(event, 'peer'),
  })
}
