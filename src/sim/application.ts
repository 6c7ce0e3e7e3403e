/** What a simulated cluster replicates: a state machine, what clients ask of it, and how that is judged. */
import type { NodeId } from '../consensus/ids.js'
import type { StateMachine } from '../machine/state-machine.js'
import type { Recorded } from './checkers/history.js'
import type { SwarmOptions } from './swarm.js'
import type { WorkloadOptions } from './workload.js'
import type { World } from './world.js'

/** An operation that was asked. */
export interface Asked {
  readonly type: 'command' | 'query'
  readonly bytes: Uint8Array
  readonly recorded: { readonly outcome: 'pending' | 'ok' | 'failed' | 'unknown' }
  told(): string
  /** Of a command what the machine's `apply` gave. */
  answered(bytes: Uint8Array): void
  failed(): void
  unknown(): void
}

export interface Load {
  /** Draws an operation; it is asked when what comes back is called, or never. */
  next(client: number): () => Asked
  /** One that must succeed in a cluster that is well. */
  last(client: number): () => Asked
  counts(): { readonly ok: number; readonly failed: number; readonly unknown: number }
  /** Nothing is left that happens by itself, once nobody asks; absent: nothing ever is. */
  isSettled?(): boolean
  /** Throws a Violation; else how much could not be judged within bounds. */
  judge(final: StateMachine): number
  /** Where the replicas may have lost what they held: by the history alone. */
  judgeHistory(): number
  /** Of the simulator's own machine, for a file. */
  readonly operations: readonly Recorded[]
}

export interface Application {
  newMachine(): StateMachine
  newLoad(world: World, options: WorkloadOptions, swarm: SwarmOptions): Load
  /** Called when a machine of a node has changed. Throws a Violation. */
  inspect?(node: NodeId, machine: StateMachine): void
}
