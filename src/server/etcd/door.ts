/** What etcd's services need of the node: commands that any member takes, and reads of its own store. */
import type { ReadOutcome, SubmitOutcome } from '../../driver/outcomes.js'

export type CommandOutcome =
  /** Executed, once. */
  | { readonly type: 'Result'; readonly result: Uint8Array }
  | Exclude<SubmitOutcome, { readonly type: 'Answer' }>

export interface EtcdDoor {
  /** False: the node is starting, forming or stopping. */
  serving(): boolean
  /** Ordered, wherever the leader is; executed at most once. */
  submit(command: Uint8Array, timeoutMs: number): Promise<CommandOutcome>
  /** Ends when this node's store holds all that a linearizable read must see. */
  read(timeoutMs: number): Promise<ReadOutcome>
  /** Asks this node's store, now. */
  query(query: Uint8Array): Uint8Array
  readonly commandTimeoutMs: number
}
