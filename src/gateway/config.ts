/** What a gateway needs to know. Whoever builds it has validated it. */
import type { ClusterKeys } from '../crypto/cluster-file.js'
import type { Signer } from '../crypto/ports.js'
import type { Address, HttpCallers } from '../node/config.js'

export interface GatewayConfig {
  readonly listen: Address
  /** Whom it believes. */
  readonly cluster: ClusterKeys
  /** `host:port` of all replicas. */
  readonly endpoints: readonly string[]
  /** As whom it asks. */
  readonly signer: Signer
  readonly http: HttpCallers
  /** A request without a deadline of its own gets this one. */
  readonly commandTimeoutMs: number
  /** Until a connection is given up. */
  readonly dialTimeoutMs: number
  /** While somebody watches, what has changed is asked for so often. */
  readonly watchMs: number
}
