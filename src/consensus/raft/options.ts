/** What can be tuned, with its unit. Ticks are the driver's: 20 ms in production. */
export interface Options {
  /** T: a follower waits between T and 2T for its leader (§5.2). Default 50 ticks: 1,000 ms. */
  readonly electionTicks: number
  readonly heartbeatTicks: number
  /** Bounds of one AppendEntries; a single larger entry still goes, alone. */
  readonly appendBytesMax: number
  readonly appendEntriesMax: number
  /** Sent and not yet acknowledged, a peer. */
  readonly inflightMessagesMax: number
  readonly inflightBytesMax: number
  /** Bounds of one entry, that is of one batch of requests. */
  readonly entryBytesMax: number
  readonly entryRequestsMax: number
  /** Appended and not yet committed; beyond it proposals get Overloaded. */
  readonly uncommittedRequestsMax: number
  readonly uncommittedBytesMax: number
  /** A snapshot is taken when either is applied since the last one; at twice that proposals stop. */
  readonly snapshotEntries: number
  readonly snapshotBytes: number
  /** What stays in the log behind a snapshot, for slow followers: both bounds hold. */
  readonly keepEntries: number
  readonly keepBytes: number
  /** At most one empty timed batch in so many ms of agreed time. */
  readonly timedBatchMsMin: number
  /** Linearizable reads that may wait at once. */
  readonly readsMax: number
}

export const DEFAULT_OPTIONS: Options = {
  electionTicks: 50,
  heartbeatTicks: 5,
  appendBytesMax: 1024 * 1024,
  appendEntriesMax: 1024,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * 1024 * 1024,
  entryBytesMax: 1024 * 1024,
  entryRequestsMax: 4096,
  uncommittedRequestsMax: 4096,
  uncommittedBytesMax: 64 * 1024 * 1024,
  snapshotEntries: 10_000,
  snapshotBytes: 64 * 1024 * 1024,
  keepEntries: 5_000,
  keepBytes: 64 * 1024 * 1024,
  timedBatchMsMin: 100,
  readsMax: 4096,
}
