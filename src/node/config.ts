/** What one node process needs to know. Whoever builds it (CLI, embedding) has validated it. */

import type { NamedKey } from '../crypto/keyring.js'
import type { Signer } from '../crypto/ports.js'
import type { ProtocolName } from '../protocols.js'
import type { Retention } from '../server/etcd/auto-compaction.js'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface NodeConfig {
  readonly name: string
  readonly protocol: ProtocolName
  readonly dataDir: string
  readonly listenPeer: Address
  /** Null: no client port; an embedder submits in process. */
  readonly listenClient: Address | null
  /** `host:port` that other nodes and clients are told; null: as listened on. */
  readonly advertiseClient: string | null
  /** Every initial member with its peer address, this node included. */
  readonly initialCluster: readonly { readonly name: string; readonly address: Address }[]
  /** Told apart from other clusters by this and the initial members: both give the cluster id. */
  readonly clusterToken: string
  readonly enableFaultInjection: boolean
  readonly http: HttpCallers
  /** Null over Raft. */
  readonly pbft: PbftKeys | null
  readonly timing: Timing
  readonly limits: NodeLimits
}

/** Who is who in a PBFT cluster, and as whom this node speaks. */
export interface PbftKeys {
  readonly replicas: readonly NamedKey[]
  readonly clients: readonly NamedKey[]
  /** Whether clients that are not listed may ask too. */
  readonly allowAnonymousClients: boolean
  /** Of the replica. */
  readonly signer: Signer
  /** Of the client as which the node asks for those who trust it; null: it asks for nobody. */
  readonly frontDoor: Signer | null
}

/** Who may ask over HTTP/1.1, besides those who name this node by its address or its own names. */
export interface HttpCallers {
  /** Further names of this node in Host; `*`: any. */
  readonly hosts: readonly string[]
  /** Pages that may ask, `scheme://host[:port]`; `*`: any. */
  readonly origins: readonly string[]
}

export interface Timing {
  /** T: the lower bound of the election timeout; over PBFT how long a request may wait before its primary is suspected. */
  readonly electionTimeoutMs: number
  readonly heartbeatMs: number
  readonly tickMs: number
}

export interface NodeLimits {
  readonly requestBytesMax: number
  /** A command without a deadline of its own gets this one. */
  readonly commandTimeoutMs: number
  readonly snapshotEntries: number
  readonly keepEntries: number
  readonly segmentBytes: number
  /** Below so much room on the disk no new commands are taken. */
  readonly diskReserveBytes: number
  /** Of the key-value store: above it nothing is written to it. Null: no bound. */
  readonly quotaBytes: number | null
  /** What of its history the key-value store keeps. Null: all, until somebody compacts it. */
  readonly autoCompaction: Retention | null
  /** Between two signs of life of an idle watch that asks for them. */
  readonly watchProgressMs: number
}

export const DEFAULT_TIMING: Timing = { electionTimeoutMs: 1_000, heartbeatMs: 100, tickMs: 20 }

export const DEFAULT_HTTP: HttpCallers = { hosts: [], origins: [] }

export const DEFAULT_LIMITS: NodeLimits = {
  requestBytesMax: 1.5 * 1024 * 1024,
  commandTimeoutMs: 5_000,
  snapshotEntries: 10_000,
  keepEntries: 5_000,
  segmentBytes: 16 * 1024 * 1024,
  diskReserveBytes: 96 * 1024 * 1024,
  quotaBytes: 2 * 1024 * 1024 * 1024,
  autoCompaction: null,
  // etcd's default.
  watchProgressMs: 10 * 60_000,
}
