/** `status`, as a table and as JSON. */
import { EVERY_PEER } from '../../faults/plan.js'
import type { TargetFaults } from '../../gen/quorate/v1/faults.js'
import { type Answered, answered, leaderOf, type Seen } from '../cluster-view.js'
import {
  honestProgress,
  PBFT_STATUS_HEAD,
  pbftFields,
  roleOf,
  suspectsOf,
  windowOf,
} from './status-pbft.js'

/** Of a hash, in the table; JSON has it whole. */
const HASH_SHOWN = 16

export interface StatusRow {
  readonly name: string | null
  readonly endpoint: string
  readonly [field: string]: unknown
}

export function statusJson(seen: readonly Seen[]): StatusRow[] {
  const lagOf = lagIn(seen)
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
      lag: lagOf(one),
      ...pbftFields(status),
      uptimeMs: status.uptimeMs,
      faultInjection: status.faultInjection,
      counters: Object.fromEntries(status.counters.map(({ name, value }) => [name, value])),
    }
  })
}

/**
 * By how many entries a node's log trails the leader's; null when nobody leads. Over PBFT no one node is believed: by
 * how much its execution trails what some honest replica has executed.
 */
function lagIn(seen: readonly Seen[]): (one: Answered) => number | null {
  const all = answered(seen)
  if (speaksPbft(all)) {
    const progress = honestProgress(all)
    return ({ status }) => (progress === null ? null : Math.max(0, progress - status.appliedIndex))
  }
  const leader = leaderOf(seen)
  return ({ status }) =>
    leader === null ? null : Math.max(0, leader.status.lastIndex - status.lastIndex)
}

function speaksPbft(all: readonly Answered[]): boolean {
  return all.some(({ status }) => status.protocol === 'pbft')
}

const STATUS_HEAD = [
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

/** Head and rows. */
export function statusTable(seen: readonly Seen[]): {
  readonly head: readonly string[]
  readonly rows: string[][]
} {
  const pbft = speaksPbft(answered(seen))
  const head = pbft ? PBFT_STATUS_HEAD : STATUS_HEAD
  const lagOf = lagIn(seen)
  const rows = seen.map((one) => {
    if ('error' in one)
      return ['-', one.endpoint, 'no answer', ...new Array<string>(head.length - 3).fill('')]
    return pbft ? pbftCells(one, lagOf(one)) : raftCells(one, lagOf(one))
  })
  return { head, rows }
}

function raftCells({ endpoint, status }: Answered, lag: number | null): string[] {
  return [
    status.name,
    endpoint,
    status.formed ? status.role : 'waits for all members',
    String(status.term),
    String(status.lastIndex),
    String(status.commitIndex),
    String(status.appliedIndex),
    lag === null ? 'no leader' : String(lag),
    blocksText(status.blocked),
    faultsText(status.faults),
    status.stateHash.slice(0, HASH_SHOWN),
    status.version,
  ]
}

function pbftCells({ endpoint, status }: Answered, lag: number | null): string[] {
  const { pbft } = status
  return [
    status.name,
    endpoint,
    roleOf(status),
    String(status.term),
    String(pbft?.stableCheckpoint ?? ''),
    windowOf(pbft),
    String(status.lastIndex),
    String(status.appliedIndex),
    lag === null ? 'too few answer' : String(lag),
    blocksText(status.blocked),
    faultsText(status.faults),
    suspectsOf(pbft),
    status.stateHash.slice(0, HASH_SHOWN),
    status.version,
  ]
}

function blocksText(blocked: readonly string[]): string {
  return blocked.length === 0 ? '-' : blocked.join(',')
}
