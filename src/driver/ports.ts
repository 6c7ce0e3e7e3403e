/**
 * What a driver needs from its host. Callbacks, not promises: whoever implements a port owns every
 * interleaving, so that the simulator can. A callback never runs inside the call that registered it.
 */
import type { Entry, Note, SnapshotDelivery, SnapshotMeta } from '../consensus/contract.js'
import type { Index, NodeId } from '../consensus/ids.js'

/** What the log keeps beside a batch's bytes. */
export interface BatchAbout {
  /** The highest log index in it; 0: none. */
  readonly lastIndex: Index
  /**
   * How the log looks after the step that made the batch: written behind it, and read when a part of the log is
   * damaged. Of several batches of one step all have the last one's: what it says too much was never promised.
   */
  readonly shape: Uint8Array
  /** The encoded State record that opens a new segment if the batch starts one: called at once or never. */
  readonly stateRecord: () => Uint8Array
}

/** The write-ahead log. Any error is final: the implementation reports it to its owner, and nothing more completes. */
export interface WalPort {
  /** Queues one batch; batches only grow. */
  append(batch: number, payload: Uint8Array, about: BatchAbout): void
  /**
   * Makes all that was appended before this call durable, then calls back with the last batch covered.
   * At most one sync is in flight: the driver waits.
   */
  sync(done: (batch: number) => void): void
  /** Segments whose every entry is at or below `through` may go. */
  release(through: Index): void
}

/** Carries bytes to a peer or drops them: no promise of delivery, order across reconnects, or absence of duplicates. */
export interface CommunicatorPort {
  send(to: NodeId, message: Uint8Array): void
  /** Streams a snapshot that is on disk. */
  sendSnapshot(to: NodeId, snapshot: SnapshotMeta, done: (end: SnapshotDelivery) => void): void
  /**
   * Asks a peer for the very file that `target` names. When it is here, verified and synced, the driver is told as of any
   * snapshot that is received; `failed` when it cannot be had. Raft never asks: absent where nothing else runs.
   */
  fetchSnapshot?(from: NodeId, target: SnapshotMeta, failed: () => void): void
}

/** The state machine and its snapshots on disk: strictly in the order of the calls. */
export interface MachinePort {
  /** `results[i][j]`: the answer of request j of entry i. */
  apply(
    entries: readonly Entry[],
    done: (results: readonly (readonly Uint8Array[])[]) => void,
  ): void
  /** Captures the state at this place in the order; the callback has digest and length, or null on failure. */
  takeSnapshot(snapshot: SnapshotMeta, done: (written: SnapshotMeta | null) => void): void
  restore(snapshot: SnapshotMeta, done: () => void): void
  /** The digest of the state at this place in the order: sessions, time and configuration included. */
  takeCheckpoint(done: (digest: string) => void): void
  /** Runs `task` when all that was asked before is done. */
  inOrder(task: () => void): void
  /** The stored answer of a session's request, if the machine has it. */
  storedAnswer(session: number, seq: number): Uint8Array | null
  /** Agreed time (ms) at which something expires; null: nothing will. */
  nextDeadline(): number | null
}

export interface SchedulerPort {
  /** Runs the task soon, once: setImmediate in production, an event of the simulated world in a simulation. */
  soon(task: () => void): void
}

export interface NotesPort {
  note(note: Note): void
}
