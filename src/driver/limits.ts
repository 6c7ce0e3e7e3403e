/** The driver's bounds. Each has a unit; what happens when it is reached is told where it is kept. */
export interface Limits {
  /** One unit of the core's logical time. */
  readonly tickMs: number
  /** Ticks given for one late call: after a pause the rest is dropped, not caught up. */
  readonly catchUpTicksMax: number
  /** How long a request that was appended here outlives our leadership before it is Indeterminate. */
  readonly electionTimeoutMs: number
  /** One turn drains at most so many peer messages, or bytes of them. */
  readonly turnMessagesMax: number
  readonly turnBytesMax: number
  /** One turn proposes at most so many requests: the rest overlaps with the peers' work on these. */
  readonly turnProposalsMax: number
  /** Peer messages that wait for a turn; beyond either bound they are dropped. */
  readonly inboxMessagesMax: number
  readonly inboxBytesMax: number
  /** Requests that wait to be proposed; beyond either bound they get Overloaded. */
  readonly queuedRequestsMax: number
  readonly queuedBytesMax: number
  /** Requests whose end somebody waits for, queued or appended; beyond it Overloaded. */
  readonly pendingRequestsMax: number
  /** Reads that wait for their round; beyond it Overloaded. */
  readonly readsMax: number
}

const MIB = 1024 * 1024

export const DEFAULT_LIMITS: Limits = {
  tickMs: 20,
  catchUpTicksMax: 5,
  electionTimeoutMs: 1_000,
  turnMessagesMax: 1_024,
  turnBytesMax: 4 * MIB,
  turnProposalsMax: 512,
  inboxMessagesMax: 8_192,
  inboxBytesMax: 64 * MIB,
  queuedRequestsMax: 4_096,
  queuedBytesMax: 64 * MIB,
  pendingRequestsMax: 16_384,
  readsMax: 16_384,
}
