/** What the simulator must know of a protocol beside the contract: how to tune it and what to check. */
import type { Core, Protocol } from '../consensus/contract.js'
import type { ProtocolChecker } from './checkers/protocol.js'
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
  newChecker(): ProtocolChecker<C, M, R>
}
