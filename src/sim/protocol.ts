/** What the simulator must know of a protocol beside the contract: how to tune it and what to check. */
import type { Core, Protocol } from '../consensus/contract.js'
import type { Hashing } from '../state-transfer/tree.js'
import type { ProtocolChecker } from './checkers/protocol.js'
import type { FaultKind } from './faults.js'
import type { SwarmOptions } from './swarm.js'

export interface SimProtocol<
  M extends { readonly type: string },
  R,
  O,
  C extends Core<M, R> = Core<M, R>,
> {
  readonly protocol: Omit<Protocol<M, R, O>, 'recover'> & {
    recover(...args: Parameters<Protocol<M, R, O>['recover']>): {
      core: C
      effects: ReturnType<Protocol<M, R, O>['recover']>['effects']
    }
  }
  options(swarm: SwarmOptions): O
  /** Agreed time is the wall's, not the leader's own. */
  readonly wallClock: boolean
  /** How long a quorum that is well may be without a leader (ms); else as long as some elections take. */
  readonly leaderMs?: number
  /** Kinds of faults after which it promises no progress: no seed draws them. */
  readonly unfit?: ReadonlySet<FaultKind>
  /** A quorum that knows its leader is all that it promises: the rest need not follow. */
  readonly quorumIsLed?: boolean
  /** What a snapshot's digest is made of; without it nobody fetches one. */
  readonly snapshotHashing?: Hashing
  /** How many nodes instead of those that a seed draws. */
  nodes(drawn: number): number
  /** So many of n can go on without the rest. */
  quorum(n: number): number
  newChecker(): ProtocolChecker<C, M, R>
}
