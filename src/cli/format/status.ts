/** `status`, as a table and as JSON. */
import { EVERY_PEER } from '../../faults/plan.js'
import type { TargetFaults } from '../../gen/quorate/v1/faults.js'
import { type Answered, leaderOf, type Seen } from '../cluster-view.js'

export interface StatusRow {
  readonly name: string | null
  readonly endpoint: string
  readonly [field: string]: unknown
}

export function statusJson(seen: readonly Seen[]): StatusRow[] {
  const leader = leaderOf(seen)
  return seen.map((one) => {
    if ('error' in one) return { name: null, endpoint: one.endpoint, error: one.error }
    const { status } = one
    const number = status.protocol === 'pbft' ? { view: status.term } : { term: status.term }
    return {
      name: status.name,
      endpoint: one.endpoint,
      pid: status.pid,
      version: status.version,
      protocol: status.protocol,
      role: status.role,
      ...number,
      leader: status.leader === '' ? null : status.leader,
      lastIndex: status.lastIndex,
      commitIndex: status.commitIndex,
      appliedIndex: status.appliedIndex,
      stateHash: status.stateHash,
      blocked: status.blocked,
      faults: status.faults,
      formed: status.formed,
      snapshotIndex: status.snapshotIndex,
      lag: lagOf(one, leader),
      uptimeMs: status.uptimeMs,
      faultInjection: status.faultInjection,
      counters: Object.fromEntries(status.counters.map(({ name, value }) => [name, value])),
    }
  })
}

/** By how many entries a node's log trails the leader's; null when nobody leads. */
function lagOf(one: Answered, leader: Answered | null): number | null {
  return leader === null ? null : Math.max(0, leader.status.lastIndex - one.status.lastIndex)
}

export const STATUS_HEAD = [
  'name',
  'endpoint',
  'role',
  'term',
  'last',
  'commit',
  'applied',
  'trails leader by',
  'blocks',
  'faults',
  'state hash',
  'version',
] as const

/** `n2: loss 0.1, delay 50-70ms; all: reorder 0.1` */
export function faultsText(faults: readonly TargetFaults[]): string {
  if (faults.length === 0) return '-'
  return faults
    .map((one) => {
      const { nodeId, delayMinMs, delayMaxMs } = one
      const parts = (['loss', 'duplication', 'reorder'] as const)
        .filter((kind) => one[kind] > 0)
        .map((kind) => `${kind} ${one[kind]}`)
      const range = delayMinMs === delayMaxMs ? delayMinMs : `${delayMinMs}-${delayMaxMs}`
      if (delayMaxMs > 0) parts.push(`delay ${range}ms`)
      const named = nodeId === EVERY_PEER ? 'all' : nodeId
      return `${named}: ${parts.length === 0 ? 'none' : parts.join(', ')}`
    })
    .join('; ')
}

export function statusCells(seen: readonly Seen[]): string[][] {
  const leader = leaderOf(seen)
  return seen.map((one) => {
    if ('error' in one) return ['-', one.endpoint, 'no answer', ...new Array<string>(9).fill('')]
    const { status } = one
    const lag = lagOf(one, leader)
    return [
      status.name,
      one.endpoint,
      status.formed ? status.role : 'waits for all members',
      String(status.term),
      String(status.lastIndex),
      String(status.commitIndex),
      String(status.appliedIndex),
      lag === null ? 'no leader' : String(lag),
      status.blocked.length === 0 ? '-' : status.blocked.join(','),
      faultsText(status.faults),
      status.stateHash.slice(0, 16),
      status.version,
    ]
  })
}
