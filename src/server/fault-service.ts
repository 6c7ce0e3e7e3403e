/** quorate.v1.FaultInjection: registered only with --enable-fault-injection. */
import type { TargetFaults } from '../gen/quorate/v1/faults.js'
import { faultInjection } from '../rpc/services.js'
import { type Route, unary } from '../rpc/types.js'
import { invalid } from './errors.js'
import type { FaultSwitch } from './replica.js'

const DELAY_MS_MAX = 60_000

export function faultRoutes(faults: FaultSwitch): Route[] {
  return [
    unary(faultInjection.setPartition, (request) => {
      requireKnown(faults, request.blockedNodeIds)
      faults.setPartition(request.blockedNodeIds, request.ttlMs)
      return {}
    }),
    unary(faultInjection.setFaults, (request) => {
      requireKnown(
        faults,
        request.targets.map((target) => target.nodeId),
      )
      for (const target of request.targets) requireSane(target)
      faults.setFaults(request.targets)
      return {}
    }),
    unary(faultInjection.getFaults, () => {
      const { blocked, ttlLeftMs, targets } = faults.faults()
      return { blockedNodeIds: [...blocked], ttlLeftMs, targets: [...targets] }
    }),
  ]
}

function requireKnown(faults: FaultSwitch, ids: readonly string[]): void {
  const unknown = faults.unknownNodes(ids)
  if (unknown.length > 0) throw invalid(`no member of this cluster: ${unknown.join(', ')}`)
}

function requireSane(target: TargetFaults): void {
  for (const [name, p] of [
    ['loss', target.loss],
    ['duplication', target.duplication],
    ['reorder', target.reorder],
  ] as const)
    if (!(p >= 0 && p <= 1)) throw invalid(`${name} of ${target.nodeId} is not between 0 and 1`)
  if (target.delayMinMs > target.delayMaxMs || target.delayMaxMs > DELAY_MS_MAX)
    throw invalid(`the delay of ${target.nodeId} is not a range within ${DELAY_MS_MAX} ms`)
}
