/** What a caller is told when an operation did not succeed: the kind says what it may do next. */
import type { Code } from '../rpc/status.js'

export type ClientErrorKind =
  /** Nodes answered, but none led in time. Not executed. */
  | 'NoLeader'
  /** No node could be reached, or none answered in time. Not executed. */
  | 'Unavailable'
  /** A bound was reached, here or at the node. Not executed: back off. */
  | 'Overloaded'
  /** It may have happened, or may yet: repeat only what is idempotent. */
  | 'Indeterminate'
  /** Refused for what it says; the text is etcd's where etcd has one. Not executed. */
  | 'InvalidRequest'
  /** Not allowed, or not offered by this node. */
  | 'NotPermitted'
  /** The history that a watch or a read asks for is compacted away. */
  | 'Compacted'
  /** What a lease held is held no more: a lock, a leadership. */
  | 'LeaseLost'
  | 'Closed'

export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly kind: ClientErrorKind
  /** The node's own status code, where there was one. */
  readonly code: Code | null

  constructor(kind: ClientErrorKind, message: string, code: Code | null = null) {
    super(message)
    this.kind = kind
    this.code = code
  }
}

/** A watch that fell behind a compaction: what it would be told next is gone. */
export class CompactedError extends ClientError {
  /** The oldest revision that can still be read and watched. */
  readonly compactRevision: number

  constructor(compactRevision: number) {
    const text = `the history below revision ${compactRevision} is compacted: read anew, and watch from there`
    super('Compacted', text, OUT_OF_RANGE)
    this.compactRevision = compactRevision
  }
}

/** gRPC's code for it, as etcd has it. */
const OUT_OF_RANGE = 11
