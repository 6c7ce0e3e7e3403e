/** quorate.v1.FaultInjection: registered only with --enable-fault-injection. */
import { EVERY_PEER, problemOf } from '../faults/plan.js'
import type { TargetFaults } from '../gen/quorate/v1/faults.js'
import { faultInjection } from '../rpc/services.js'
import { type Route, unary } from '../rpc/types.js'
import { invalid } from './errors.js'
import type { FaultSwitch } from './replica.js'

/** A day; a number far beyond what a timer can wait would end at once. */
const TTL_MS_MAX = 86_400_000

export function faultRoutes(faults: FaultSwitch): Route[] {
  return [
    unary(faultInjection.setPartition, (request) => {
      requireKnown(faults, request.blockedNodeIds)
      requireTtl(request.ttlMs)
      faults.setPartition(request.blockedNodeIds, request.ttlMs)
      return {}
    }),
    unary(faultInjection.setFaults, (request) => {
      const named = request.targets.map((target) => target.nodeId)
      requireKnown(
        faults,
        named.filter((id) => id !== EVERY_PEER),
      )
      const twice = named.find((id, i) => named.indexOf(id) !== i)
      if (twice !== undefined) throw invalid(`${nameOf(twice)} is a target twice`)
      for (const target of request.targets) requireSane(target)
      requireTtl(request.ttlMs)
      faults.setFaults(request.targets, request.ttlMs)
      return {}
    }),
    unary(faultInjection.getFaults, () => {
      const { blocked, ttlLeftMs, targets, faultsTtlLeftMs } = faults.faults()
      const byzantine = faults.byzantine()
      const network = { blockedNodeIds: [...blocked], ttlLeftMs, targets: [...targets] }
      return { ...network, faultsTtlLeftMs, byzantine }
    }),
    unary(faultInjection.setByzantine, ({ kinds }) => {
      const unknown = kinds.find((kind) => !faults.byzantineKinds.includes(kind))
      if (unknown !== undefined)
        throw invalid(
          `${nameOf(unknown)} is nothing that this node does; what it does: ${faults.byzantineKinds.join(', ') || 'nothing of the kind (it runs no PBFT)'}`,
        )
      faults.setByzantine(kinds)
      return {}
    }),
  ]
}

function requireKnown(faults: FaultSwitch, ids: readonly string[]): void {
  const unknown = faults.unknownNodes(ids)
  if (unknown.length > 0)
    throw invalid(`no member of this cluster: ${unknown.map((id) => nameOf(id)).join(', ')}`)
}

function requireSane(target: TargetFaults): void {
  const problem = problemOf(target)
  if (problem !== null) throw invalid(`faults towards ${nameOf(target.nodeId)}: ${problem}`)
}

function requireTtl(ttlMs: number): void {
  if (!(ttlMs >= 0 && ttlMs <= TTL_MS_MAX)) throw invalid(`ttl_ms is not within ${TTL_MS_MAX} ms`)
}

/** A name from outside, in a text of ours. */
function nameOf(id: string): string {
  return id === EVERY_PEER ? 'every peer' : JSON.stringify(id.slice(0, 64))
}
