/** What a protocol has to say about its own nodes, step by step; each method throws a Violation. */
import type { Core, Effect, Input } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'

export interface ProtocolChecker<C extends Core<M, R>, M, R> {
  /** Situations that were seen, of those that the protocol's table names. */
  readonly marks?: ReadonlyMap<string, number>
  started(id: NodeId, core: C, records: readonly R[]): void
  stepped(id: NodeId, core: C, input: Input<M>, effects: readonly Effect<M, R>[]): void
  /** All batches up to this one (the core's numbers) are really on the disk. */
  synced(id: NodeId, batch: number): void
  /** The log up to this index is about to be deleted. */
  released?(id: NodeId, through: Index): void
  /** The message has left the node. */
  sent(from: NodeId, to: NodeId, message: M): void
}
