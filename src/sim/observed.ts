/** A core with the checkers looking over its shoulder. */
import type { Core } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { NodeContext } from './node-context.js'

/** Of a node that died within a turn the rest of the turn is nobody's: `living` tells. */
export function observed<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  id: NodeId,
  core: C,
  context: NodeContext<M, R, O, C>,
  living: () => boolean,
): Core<M, R> {
  const { checker, protocolChecker } = context
  return {
    step: (input) => {
      if (!living()) return []
      const effects = core.step(input)
      context.stepped()
      checker.stepped(id, core.status())
      protocolChecker.stepped(id, core, input, effects)
      return effects
    },
    status: () => core.status(),
    stateRecord: () => core.stateRecord(),
    shape: () => core.shape(),
  }
}
