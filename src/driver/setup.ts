/** What a driver is made of, and what it tells about itself. */
import type { Core, CoreStatus, Effect, Protocol } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Limits } from './limits.js'
import type { CommunicatorPort, MachinePort, NotesPort, SchedulerPort, WalPort } from './ports.js'
import type { Trace } from './trace.js'

export interface Ports {
  readonly wal: WalPort
  readonly communicator: CommunicatorPort
  readonly machine: MachinePort
  readonly scheduler: SchedulerPort
  readonly notes: NotesPort
}

/** What the driver needs of a Protocol: its codec. */
export interface Codec<M extends { readonly type: string }, R>
  extends Pick<Protocol<M, R, never>, 'encodeMessage' | 'encodeRecords' | 'lastIndexOf'> {
  /** As Protocol's; also `unneeded`: a message of which the core would make nothing, whatever it is worth. */
  decodeMessage(bytes: Uint8Array): M | null | 'unneeded'
}

export interface DriverSetup<M extends { readonly type: string }, R> {
  readonly id: NodeId
  /** Of this start of the node; the same as in `Self`. */
  readonly incarnation: number
  readonly core: Core<M, R>
  /** From `recover`: the first turn carries them out. */
  readonly effects: readonly Effect<M, R>[]
  readonly protocol: Codec<M, R>
  readonly ports: Ports
  /** The last batch that the WAL already holds: a core counts its batches from 1 at each start, the WAL goes on. */
  readonly lastBatch: number
  readonly limits?: Partial<Limits>
  readonly trace?: Trace<M, R>
}

export interface AskOptions {
  /** ms on the clock of `tick`. */
  readonly deadline: number
  /**
   * Where this node does not lead, hand it on to the one that does, again if need be, and wait while none does. Absent: it
   * is refused, and whoever asks goes to the leader.
   */
  readonly forward?: boolean
}

export interface DriverStatus extends CoreStatus {
  /** Peer messages that no turn has taken yet. */
  readonly inboxMessages: number
  /** Requests whose end somebody waits for. */
  readonly pendingRequests: number
  /** Of them, those that wait to be proposed, or for a leader to hand them on to. */
  readonly queuedRequests: number
  readonly pendingReads: number
  /** Batches appended and not known to be on disk. */
  readonly unsyncedBatches: number
  readonly heldSends: number
}
