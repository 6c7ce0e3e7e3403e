/** PBFT in the simulator: keys that nobody forges, and every signature verified before the core sees a message. */
import { signedBytes } from '../consensus/pbft/encoding.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type Pbft,
  pbft,
  type WalRecord,
} from '../consensus/pbft/index.js'
import { statementsOf } from '../consensus/pbft/messages.js'
import { quorum } from '../consensus/pbft/quorum.js'
import { fakeKeys, fakeVerify } from '../crypto/fake.js'
import { PbftChecker } from './checkers/pbft.js'
import type { SimProtocol } from './protocol.js'

const CLUSTER_ID = 'sim'

export const pbftSim: SimProtocol<Message, WalRecord, Options, Pbft> = {
  protocol: {
    ...pbft,
    recover: (records, self, options) =>
      pbft.recover(records, self, { ...options, crypto: fakeKeys(self.id) }),
    decodeMessage: (bytes) => {
      const message = pbft.decodeMessage(bytes)
      return message !== null && isAuthentic(message) ? message : null
    },
  },
  options: (swarm) => {
    const checkpointInterval = Math.min(32, Math.max(2, swarm.keepEntries))
    return {
      ...DEFAULT_OPTIONS,
      crypto: fakeKeys(''),
      clusterId: CLUSTER_ID,
      checkpointInterval,
      windowIndices: checkpointInterval * (swarm.inflightMessagesMax < 8 ? 2 : 4),
      pipelineIndices: Math.max(1, Math.min(16, swarm.inflightMessagesMax)),
      batchRequestsMax: Math.min(DEFAULT_OPTIONS.batchRequestsMax, swarm.entryRequestsMax),
      requestTicks: 2 * swarm.electionTicks,
      viewChangeTicks: 2 * swarm.electionTicks,
      viewChangeTicksMax: 16 * swarm.electionTicks,
      statusTicks: Math.max(2, 2 * swarm.heartbeatTicks),
      snapshotIndices: swarm.snapshotEntries,
    }
  },
  wallClock: true,
  nodes: (drawn) => (drawn < 5 ? 4 : drawn),
  quorum,
  newChecker: () => new PbftChecker(),
}

function isAuthentic(message: Message): boolean {
  return statementsOf(message).every((statement) =>
    fakeVerify(statement.sender, signedBytes(CLUSTER_ID, statement), statement.signature),
  )
}
