/** What can be tuned, with its unit, and what the host computes for the core. Ticks are the driver's: 20 ms in production. */
import type { NodeId } from '../ids.js'
import { BATCH_REQUESTS_MAX } from './encoding.js'

/** Pure and synchronous; the same arguments give the same bytes. */
export interface Crypto {
  /** SHA-256. */
  digest(bytes: Uint8Array): Uint8Array
  /** With this replica's key; deterministic, so that a vote said again is the same vote. */
  sign(bytes: Uint8Array): Uint8Array
}

export interface Options {
  readonly crypto: Crypto
  /** Goes into every signature. */
  readonly clusterId: string
  /** A checkpoint every so many indices. */
  readonly checkpointInterval: number
  /** L: H = h + L. Two intervals, so that one may fill while the other becomes stable. */
  readonly windowIndices: number
  /** Proposed and not yet executed. */
  readonly pipelineIndices: number
  /** Of those, proposed and not yet prepared: with so many, only a full batch is proposed. */
  readonly unpreparedIndices: number
  readonly batchBytesMax: number
  /** At most BATCH_REQUESTS_MAX. */
  readonly batchRequestsMax: number
  /** A request waits so long for its execution before the primary is suspected. */
  readonly requestTicks: number
  /** From Q view changes to the new view; doubles with each that fails, up to the maximum. */
  readonly viewChangeTicks: number
  readonly viewChangeTicksMax: number
  /** How often a replica tells how far it is, and repeats what was not heeded. */
  readonly statusTicks: number
  /** Committed batches that one answer to a Status carries. */
  readonly catchUpBatchesMax: number
  /** Clients' requests that wait here; beyond it proposals get Overloaded. */
  readonly waitingRequestsMax: number
  /** B: a proposal's time may be so far ahead of our own clock (ms). */
  readonly clockBoundMs: number
  /** At most one empty timed batch in so many ms. */
  readonly timedBatchMsMin: number
  /** A snapshot file is written when so many indices were executed since the last. */
  readonly snapshotIndices: number
}

export const DEFAULT_OPTIONS: Omit<Options, 'crypto' | 'clusterId'> = {
  checkpointInterval: 128,
  windowIndices: 256,
  pipelineIndices: 16,
  unpreparedIndices: 1,
  batchBytesMax: 1024 * 1024,
  batchRequestsMax: BATCH_REQUESTS_MAX,
  requestTicks: 50,
  viewChangeTicks: 100,
  viewChangeTicksMax: 800,
  statusTicks: 10,
  catchUpBatchesMax: 16,
  waitingRequestsMax: 4096,
  clockBoundMs: 500,
  timedBatchMsMin: 100,
  snapshotIndices: 10_000,
}

export interface Replicas {
  readonly ids: readonly NodeId[]
  readonly epoch: number
}
