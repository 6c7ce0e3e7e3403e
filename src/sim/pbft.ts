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
import { FakeHasher } from './disk/fake-hasher.js'
import type { FaultKind } from './faults.js'
import type { SimProtocol } from './protocol.js'

const CLUSTER_ID = 'sim'
const BATCH_REQUESTS_MIN = 16
/** Small, so that it is reached. */
const WAITING_REQUESTS_MAX = 512
/** Some views may fail before one does not, and each had more time than the last (in ms of simulated time). */
const LEADER_MS = 60_000
/**
 * Damage to what was synced: such a replica cannot know what it had promised, so it does not start again, or is mute
 * for good. It counts toward f, and nobody gets it well.
 */
const UNFIT: ReadonlySet<FaultKind> = new Set([
  'bit-rot',
  'stale-sector',
  'misdirected-write',
  'snapshot-rot',
  'read-error',
])

export const pbftSim: SimProtocol<Message, WalRecord, Options, Pbft> = {
  protocol: {
    ...pbft,
    recover: (records, self, options) =>
      pbft.recover(records, self, { ...options, crypto: fakeKeys(self.id) }),
    decodeMessage: decodeAuthentic,
  },
  options: (swarm) => {
    const checkpointInterval = Math.min(32, Math.max(2, swarm.keepEntries))
    return {
      ...DEFAULT_OPTIONS,
      crypto: fakeKeys(''),
      clusterId: CLUSTER_ID,
      checkpointInterval,
      windowIndices: checkpointInterval * (swarm.inflightMessagesMax < 8 ? 2 : 4),
      pipelineIndices: Math.max(4, Math.min(16, swarm.inflightMessagesMax)),
      // Three round trips and syncs an index: one request in each would be less than the clients ask.
      batchRequestsMax: Math.max(
        BATCH_REQUESTS_MIN,
        Math.min(DEFAULT_OPTIONS.batchRequestsMax, swarm.entryRequestsMax),
      ),
      waitingRequestsMax: WAITING_REQUESTS_MAX,
      requestTicks: 2 * swarm.electionTicks,
      viewChangeTicks: 2 * swarm.electionTicks,
      viewChangeTicksMax: 8 * swarm.electionTicks,
      statusTicks: Math.max(2, 2 * swarm.heartbeatTicks),
      snapshotIndices: swarm.snapshotEntries,
    }
  },
  wallClock: true,
  leaderMs: LEADER_MS,
  // One that left a view alone is out of it until the next: it executes what Q commit, and votes no more in the old one.
  quorumIsLed: true,
  unfit: UNFIT,
  snapshotHashing: {
    newHasher: () => new FakeHasher(),
    // Small, so that a few KB are many parts in several levels.
    cutting: { chunkBytesMin: 128, chunkBytesMax: 1_024, bits: 8, fanOut: 4 },
  },
  nodes: (drawn) => (drawn < 5 ? 4 : drawn),
  quorum,
  newChecker: () => new PbftChecker(),
}

/** What was sent to all is the same bytes, read and verified once. */
const AUTHENTIC = new WeakMap<Uint8Array, Message | null>()

function decodeAuthentic(bytes: Uint8Array): Message | null {
  const known = AUTHENTIC.get(bytes)
  if (known !== undefined) return known
  const decoded = pbft.decodeMessage(bytes)
  const message = decoded !== null && isAuthentic(decoded) ? decoded : null
  AUTHENTIC.set(bytes, message)
  return message
}

function isAuthentic(message: Message): boolean {
  return statementsOf(message).every((statement) =>
    fakeVerify(statement.sender, signedBytes(CLUSTER_ID, statement), statement.signature),
  )
}
