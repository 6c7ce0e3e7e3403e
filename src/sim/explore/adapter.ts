/** What the search must know of a protocol beside the contract. */
import type { Core, Protocol } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import type { Shared } from './plain.js'

/** What every clock shows, in abstract time: no agreed time moves, so entries differ by place and content alone. */
export const NOW_MS = 1

/** What a transition may use up. Each is counted over the whole path. */
export const BUDGETS = [
  'crashes',
  'drops',
  'duplicates',
  'entries',
  'timeouts',
  'resends',
  'stepDowns',
] as const
export type Budget = (typeof BUDGETS)[number]
export type Budgets = { readonly [B in Budget]: number }

/** An event of abstract time at a node: the core gets a Tick after `arm` has put its clockwork just before it. */
export interface Timer<C> {
  readonly name: string
  readonly cost: Budget
  enabled(core: C): boolean
  arm(core: C): void
}

export interface Adapter<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G> {
  readonly protocol: Omit<Protocol<M, R, O>, 'recover'> & {
    recover(...args: Parameters<Protocol<M, R, O>['recover']>): {
      core: C
      effects: ReturnType<Protocol<M, R, O>['recover']>['effects']
    }
  }
  readonly options: O
  readonly members: readonly NodeId[]
  /** The record that formed the cluster, the same on every disk. */
  readonly bootstrap: R
  readonly shared: Shared
  readonly timers: readonly Timer<C>[]
  /** Everything the core consists of, as plain data. */
  stateOf(core: C): object
  coreOf(state: object): C
  /**
   * Puts a representative in the place of what no future step can tell apart. `persisted`: batches are numbered anew from
   * the last one on disk, which the caller does with what it holds, too. Tells the number that became 0.
   */
  normalise(core: C): number
  /** Of time that passed before this message arrived: the core is about to receive it. */
  beforeReceive(core: C, message: M): void
  /** Fewer records with the same fold, also under whatever is appended later. */
  compact(id: NodeId, records: readonly R[]): readonly R[]
  mayPropose(core: C): boolean

  /** Over one node's step, or its start. The first rule that is broken, in words. */
  checkStep(before: C | null, after: C): string | null
  /** Does the disk vouch for what leaves? In words, if not. */
  checkLeaving(id: NodeId, to: NodeId, message: M, disk: readonly R[]): string | null
  /** What the promises ask of one node, worked out once. */
  factsOf(core: C, disk: readonly R[]): F
  readonly noGhost: G
  /** What must be remembered of the path, after a step of `at`; or which promise is broken, in words. */
  judge(ghost: G, facts: readonly F[], at: number): G | string
  /** `to[i]`: which node takes the place of node i. */
  renameGhost(ghost: G, to: readonly number[]): G

  describeMessage(message: M): string
  describeCore(core: C): string
}
