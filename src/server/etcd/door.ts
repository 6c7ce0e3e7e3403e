/**
 * What etcd's services need of whoever asks the cluster for them: commands, and reads. A node that takes part has a store
 * of its own; a gateway has none, and believes what f+1 replicas say.
 */
import type { ReadOutcome, SubmitOutcome } from '../../driver/outcomes.js'

export type CommandOutcome =
  /** Executed, once. */
  | { readonly type: 'Result'; readonly result: Uint8Array }
  | Exclude<SubmitOutcome, { readonly type: 'Answer' }>

export interface EtcdDoor {
  /** False: the node is starting, forming or stopping. */
  serving(): boolean
  /** Ordered, wherever the leader is; executed at most once. `readOnly`: it is a query, and changes nothing. */
  submit(command: Uint8Array, timeoutMs: number, readOnly?: boolean): Promise<CommandOutcome>
  /** Ends when this node's store holds all that a linearizable read must see. `Unsupported`: reads are ordered. */
  read(timeoutMs: number): Promise<ReadOutcome>
  /** Asks this node's store, now. Null: there is none, and every read is ordered. */
  readonly query: ((query: Uint8Array) => Uint8Array) | null
  readonly commandTimeoutMs: number
}
