/** A core with the checkers looking over its shoulder. */
import type { Core, CoreStatus } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { NodeContext } from './node-context.js'

/** Of a node that died within a turn the rest of the turn is nobody's: `life.living` tells. */
export function observed<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  id: NodeId,
  core: C,
  context: NodeContext<M, R, O, C>,
  life: { readonly living: () => boolean; readonly stepped: (status: CoreStatus) => void },
): Core<M, R> {
  const told = context.liar?.core(core) ?? core
  const { checker, protocolChecker, appended } = context
  // Only a step changes it.
  let status = core.status()
  return {
    step: (input) => {
      if (!life.living()) return []
      const effects = told.step(input)
      context.stepped()
      status = core.status()
      checker.stepped(id, status)
      appended.stepped(id, input, effects)
      protocolChecker.stepped(id, core, input, effects)
      life.stepped(status)
      return effects
    },
    status: () => status,
    stateRecord: () => core.stateRecord(),
    shape: () => core.shape(),
  }
}
