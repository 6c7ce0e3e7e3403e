/** What a communicator is given, and what it tells its host. */
import type { SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'

/** Who this node is, towards its peers. */
export interface Identity {
  readonly clusterId: string
  readonly nodeId: NodeId
  /** Of the data directory. */
  readonly uid: string
  readonly incarnation: number
  readonly protocol: 'raft' | 'pbft'
  /** One group today. */
  readonly groupId: number
}

/** A handshake with a peer ended well, whoever dialled. */
export interface HelloHeard {
  readonly nodeId: NodeId
  readonly uid: string
  /** What it tells of formation; opaque here. */
  readonly bootstrap: Uint8Array
}

/** Why a caller whose identity is in order is not welcome all the same. */
export interface Objection {
  /** `signature`: what it tells is not under the key of whom it says it is. `start`: it is an old copy. */
  readonly code: 'signature' | 'start'
  readonly text: string
}

/** A snapshot on disk, ready to be sent. */
export interface SnapshotSource {
  /** What it covers, encoded; opaque here. */
  readonly meta: Uint8Array
  readonly bytesTotal: number
  /** Null: the file cannot be read. */
  read(offset: number, length: number, done: (bytes: Uint8Array | null) => void): void
  close(): void
}

/** Takes one snapshot that comes in; chunks come in order, whole and checked. */
export interface SnapshotSink {
  /** The bytes are only good until `done`; the next chunk comes after it. */
  chunk(offset: number, bytes: Uint8Array, done: (ok: boolean) => void): void
  /** All bytes are there: verify, sync. Null: done, else why it is refused. */
  finish(done: (problem: string | null) => void): void
  /**
   * The sender is gone or sent nonsense: throw away what came. It may come while a chunk is under way, but not
   * once `finish` was called.
   */
  abort(): void
}

/** Snapshots in parts, for who was left behind (PBFT); names are the parts' hashes. */
export interface PartsHost {
  /** A peer asks for a part of our snapshot. `told` null: it gets no answer; its `part` null: we have it not. */
  asked(
    snapshot: Uint8Array,
    part: Uint8Array,
    done: (told: { readonly part: Uint8Array | null } | null) => void,
  ): void
  /** A peer's answer: nothing of it is verified. */
  answered(from: NodeId, part: Uint8Array, data: Uint8Array | null): void
}

export interface CommunicatorOptions {
  readonly identity: Identity
  /** Every other member, with its peer endpoint `host:port`. */
  readonly peers: ReadonlyMap<NodeId, string>
  /** Of jitter and faults; fresh at each start. */
  readonly seed: number
  /** Said in every handshake; replaced by `setBootstrap`. */
  readonly bootstrap: Uint8Array
  /** Until the cluster has formed, nothing but handshakes is exchanged. */
  readonly formed: boolean
  readonly limits?: Partial<CommunicatorLimits>
  /** A peer's messages, in the order in which it wrote them on one stream. The bytes may be kept. */
  readonly onMessage: (from: NodeId, message: Uint8Array) => void
  readonly onHello: (heard: HelloHeard) => void
  /** Asked before a caller is welcomed: why it must not take part, or null. */
  readonly objection: (heard: HelloHeard) => Objection | null
  /** A stream to or from this peer has ended: what it said before may be stale. Said again when it is back. */
  readonly onGone: (nodeId: NodeId) => void
  /** Opens a snapshot that the core wants sent; null: it is not there. */
  readonly openSnapshot: (
    snapshot: SnapshotMeta,
    done: (source: SnapshotSource | null) => void,
  ) => void
  /** A peer begins to send one. A string refuses it, and says why. */
  readonly receiveSnapshot: (
    from: NodeId,
    meta: Uint8Array,
    bytesTotal: number,
  ) => SnapshotSink | string
  /** Absent: no peer gets a part. */
  readonly parts?: PartsHost
  /** Our Hello on an open stream was answered, after so many seconds. */
  readonly onRoundTrip?: (peer: NodeId, seconds: number) => void
  readonly log: (event: CommunicatorEvent) => void
}

/** For logs; each is told once per change, however often it is tried. */
export type CommunicatorEvent =
  | { readonly type: 'peer-connected'; readonly peer: NodeId; readonly endpoint: string }
  | { readonly type: 'peer-unreachable'; readonly peer: NodeId; readonly reason: string }
  /** It does not want us, or is not whom we dialled. */
  | {
      readonly type: 'refused-by-peer'
      readonly peer: NodeId
      readonly code: string
      readonly text: string
    }
  /** `peer` is the name that it claims, if that is a member's; else `?`. */
  | {
      readonly type: 'peer-refused'
      readonly peer: NodeId
      readonly code: string
      readonly text: string
    }
  | { readonly type: 'snapshot-failed'; readonly peer: NodeId; readonly reason: string }

/** Of one peer, for metrics. */
export interface PeerTraffic {
  readonly id: NodeId
  /** Our stream to it is up. */
  readonly connected: boolean
  /** Of messages, since the start. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Messages that found no stream, no room on it, or were larger than any may be. */
  readonly sendsFailed: number
  readonly disconnects: number
}

export interface CommunicatorLimits {
  /** Messages and bytes that wait for one peer; beyond either the newest is dropped: the core sends again. */
  readonly queuedMessagesMax: number
  readonly queuedBytesMax: number
  /** Messages and bytes that faults delay towards one peer; beyond either a message is dropped. */
  readonly delayedMessagesMax: number
  readonly delayedBytesMax: number
  /** A frame is written once it has so much; a larger message travels alone. */
  readonly frameBytes: number
  /** A message beyond it can never arrive, and is dropped. */
  readonly messageBytesMax: number
  /** From the dial to the answer to our Hello. */
  readonly handshakeMsMax: number
  /** Between two Hellos on an open stream, which measure its round trip. */
  readonly probeMs: number
  readonly backoffMsMin: number
  readonly backoffMsMax: number
  readonly snapshotChunkBytes: number
  /** Sent and not yet accepted. */
  readonly snapshotWindowBytes: number
  readonly snapshotBytesPerSecond: number
  /** Without progress for so long a snapshot is given up, on either side. */
  readonly snapshotStallMs: number
}

const KIB = 1024
const MIB = 1024 * KIB

export const COMMUNICATOR_LIMITS: CommunicatorLimits = {
  queuedMessagesMax: 256,
  queuedBytesMax: 8 * MIB,
  delayedMessagesMax: 8_192,
  delayedBytesMax: 32 * MIB,
  frameBytes: MIB,
  messageBytesMax: 7 * MIB,
  handshakeMsMax: 2_000,
  probeMs: 5_000,
  backoffMsMin: 50,
  backoffMsMax: 2_000,
  snapshotChunkBytes: 256 * KIB,
  snapshotWindowBytes: 4 * MIB,
  snapshotBytesPerSecond: 64 * MIB,
  snapshotStallMs: 10_000,
}
