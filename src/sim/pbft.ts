/** PBFT in the simulator: keys that nobody forges, and every signature verified before the core sees a message. */
import { chance, pick } from '../base/random.js'
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
import { faultsMax, quorum } from '../consensus/pbft/quorum.js'
import { fakeKeys, fakeVerify } from '../crypto/fake.js'
import { PbftChecker } from './checkers/pbft.js'
import { decodedOnce } from './decoded.js'
import { FakeHasher } from './disk/fake-hasher.js'
import { BYZANTINE_KINDS, type FaultKind } from './faults.js'
import { PBFT_MARKS } from './marks/pbft-table.js'
import { pbftLiar } from './pbft-liar.js'
import type { SimProtocol } from './protocol.js'
import { STREAM, streamOf } from './streams.js'
import type { SwarmOptions } from './swarm.js'

const CLUSTER_ID = 'sim'
const BATCH_REQUESTS_MIN = 16
/** A view change carries a certificate for each index of the window, and every log is read at every start. */
const INTERVAL_MAX = 12
const SNAPSHOT_INDICES_MAX = 100
/** Small, so that it is reached. */
const WAITING_REQUESTS_MAX = 128
/** Some views may fail before one does not, and each had more time than the last (in ms of simulated time). */
const LEADER_MS = 60_000
/** The rest of what must succeed does so when the faults are over. */
const LONGER_MS = 5_000
/** Mostly the smallest that bears a liar, and the smallest that bears two. */
const SIZES = [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 6, 7] as const
/** Of the seeds with faults: some replica lies. */
const LIARS_SHARE = 0.7
/** With two of four out nothing goes on, and three round trips are soon interrupted: strikes leave more time between. */
const NEMESIS_FACTOR = 2
/**
 * An index costs some n² messages, whatever is in it: clients ask more at once, and less often, so that a run of as many
 * operations takes fewer of them.
 */
const BURST_FACTOR = 3
const THINK_FACTOR = 2
/** Who lies about its state is asked for it only where others fall behind by more than a window, again and again. */
const LAGGING: readonly FaultKind[] = [
  'byzantine-wrong-parts',
  'partition-isolate',
  'leader-left-behind',
  'process-killed',
]
const SHORT_MEMORY = { keepEntries: 1, snapshotEntries: 5 }
/** Away for longer than a window takes, often, and asked for enough meanwhile. */
const LONG_ABSENCE = { outageMsMax: 3_000, latencyMs: 1, nemesisMsMean: 400 }
/** A view change is several KiB, and every segment opens with one. */
const SEGMENT_FACTOR = 4
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
  // The primary of a view is who it is.
  'leadership-transferred',
  // Its states travel part by part, each verified; the link damages those as any message.
  'snapshot-piece-flipped',
  // Shown over Raft: who is let in is decided before either protocol is asked. That it takes the word of f+1 here is
  // shown by the tests of formation.
  'disk-wiped',
  'backup-restored',
])

export const pbftSim: SimProtocol<Message, WalRecord, Options, Pbft> = {
  protocol: {
    ...pbft,
    recover: (records, self, options) =>
      pbft.recover(records, self, { ...options, crypto: fakeKeys(self.id) }),
    decodeMessage: decodedOnce(decodeAuthentic),
  },
  options: (swarm) => {
    const checkpointInterval = Math.min(INTERVAL_MAX, Math.max(2, swarm.keepEntries))
    return {
      ...DEFAULT_OPTIONS,
      crypto: fakeKeys(''),
      clusterId: CLUSTER_ID,
      checkpointInterval,
      windowIndices: checkpointInterval * (swarm.inflightMessagesMax < 8 ? 2 : 3),
      pipelineIndices: Math.max(4, Math.min(16, swarm.inflightMessagesMax)),
      unpreparedIndices: swarm.inflightMessagesMax < 8 ? 1 : 4,
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
      snapshotIndices: Math.min(SNAPSHOT_INDICES_MAX, swarm.snapshotEntries),
    }
  },
  wallClock: true,
  leaderMs: LEADER_MS,
  longerMs: LONGER_MS,
  // One that left a view alone is out of it until the next: it executes what Q commit, and votes no more in the old one.
  quorumIsLed: true,
  snapshotHashing: {
    newHasher: () => new FakeHasher(),
    // Small, so that a few KB are many parts in several levels.
    cutting: { chunkBytesMin: 128, chunkBytesMax: 1_024, bits: 8, fanOut: 4 },
  },
  fitted,
  newLiar: pbftLiar,
  liarsMax: faultsMax,
  sceptical: true,
  marks: PBFT_MARKS,
  quorum,
  newChecker: () => new PbftChecker(),
}

function decodeAuthentic(bytes: Uint8Array): Message | null {
  const message = pbft.decodeMessage(bytes)
  return message !== null && isAuthentic(message) ? message : null
}

function fitted(drawn: SwarmOptions, seed: number): SwarmOptions {
  const kinds = new Set([...drawn.kinds].filter((kind) => !UNFIT.has(kind)))
  const r = streamOf(seed, STREAM.fit)
  const nodes = pick(r, SIZES)
  const { workload } = drawn
  if (!drawn.faultFree && chance(r, LIARS_SHARE)) {
    kinds.add(pick(r, BYZANTINE_KINDS))
    kinds.add(pick(r, BYZANTINE_KINDS))
  }
  const lags = kinds.has('byzantine-wrong-parts')
  return {
    ...drawn,
    ...(lags ? SHORT_MEMORY : {}),
    nodes,
    kinds: lags ? new Set(LAGGING) : kinds,
    hopeless: false,
    nemesisMsMean: NEMESIS_FACTOR * drawn.nemesisMsMean,
    ...(lags ? LONG_ABSENCE : {}),
    workload: {
      ...workload,
      burstMax: BURST_FACTOR * workload.burstMax,
      thinkMsMean: THINK_FACTOR * workload.thinkMsMean,
      inflightMax: Math.max(workload.inflightMax, BURST_FACTOR * workload.burstMax),
    },
    segmentBytes: SEGMENT_FACTOR * drawn.segmentBytes,
  }
}

function isAuthentic(message: Message): boolean {
  return statementsOf(message).every((statement) =>
    fakeVerify(statement.sender, signedBytes(CLUSTER_ID, statement), statement.signature),
  )
}
