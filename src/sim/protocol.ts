/** What the simulator must know of a protocol beside the contract: how to tune it and what to check. */
import type { LiarKind } from '../byzantine/index.js'
import type { Core, Protocol } from '../consensus/contract.js'
import type { Hashing } from '../state-transfer/tree.js'
import type { ProtocolChecker } from './checkers/protocol.js'
import type { LiarAbout, SimLiar } from './liars.js'
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
  /** How much longer than asked for the faults may last, until enough has happened (ms). */
  readonly longerMs?: number
  /** How long a quorum that is well may be without a leader (ms); else as long as some elections take. */
  readonly leaderMs?: number
  /** A quorum that knows its leader is all that it promises: the rest need not follow. */
  readonly quorumIsLed?: boolean
  /** What a snapshot's digest is made of; without it nobody fetches one. */
  readonly snapshotHashing?: Hashing
  /** What a seed draws is Raft's measure: how this protocol has it. */
  fitted?(drawn: SwarmOptions, seed: number): SwarmOptions
  /** How its replicas lie; absent: they are all honest. */
  newLiar?(kind: LiarKind, about: LiarAbout): SimLiar<M, R, C>
  /** So many of n may lie. */
  liarsMax?(n: number): number
  /** Its clients believe no node alone. */
  readonly sceptical?: boolean
  /** The situations that its checker may tell, each in a sentence. */
  readonly marks: { readonly [mark: string]: string }
  /** So many of n can go on without the rest. */
  quorum(n: number): number
  newChecker(): ProtocolChecker<C, M, R>
}
