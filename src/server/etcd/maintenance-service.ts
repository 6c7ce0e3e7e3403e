/** etcdserverpb.Maintenance: one member as operators see it. */
import { setTimeout } from 'node:timers/promises'
import type { NodeId } from '../../consensus/ids.js'
import {
  type DowngradeRequest,
  DowngradeRequest_DowngradeAction,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { type Alarm, alarmName } from '../../machine/kv/alarms.js'
import { CommandTag } from '../../machine/kv/commands.js'
import { etcdMaintenance } from '../../rpc/etcd-services.js'
import { Code, RpcError } from '../../rpc/status.js'
import { type CallContext, type Route, streaming, unary } from '../../rpc/types.js'
import type { TransferRefusal } from '../replica.js'
import { type CommandParts, runCommand } from './commands.js'
import { notYet } from './errors.js'
import type { EtcdIds } from './ids.js'
import { ETCD_VERSION } from './version.js'

const { CANCEL } = DowngradeRequest_DowngradeAction

export interface MaintenanceParts extends CommandParts {
  readonly ids: EtcdIds
  status(): MemberStatus
  transferLeadership(to: NodeId): TransferRefusal | null
  store(): StoreView
  readonly times?: HashTimes
}

/** Hears how long each took (s). */
export interface HashTimes {
  hashed(seconds: number): void
  hashedAt(seconds: number): void
}

export interface MemberStatus {
  readonly leader: NodeId | null
  readonly term: number
  readonly lastIndex: number
  readonly appliedIndex: number
  /** In words; empty: nothing is wrong. */
  readonly problems: readonly string[]
}

export interface StoreView {
  readonly revision: number
  readonly compactRevision: number
  readonly alarms: readonly Alarm[]
  /** Bytes of keys and values held, and of those, what a read can still see. */
  readonly bytesHeld: number
  /** Of all that can be read at this revision and since the compacted one. */
  hashAt(revision: number): number
}

export function maintenanceRoutes(parts: MaintenanceParts): Route[] {
  const { headers, ids } = parts
  const header = () => headers.of(parts.store().revision)
  return [
    unary(etcdMaintenance.status, () => {
      const { leader, term, lastIndex, appliedIndex, problems } = parts.status()
      const { bytesHeld, alarms } = parts.store()
      return {
        header: header(),
        version: ETCD_VERSION,
        dbSize: bytesHeld,
        dbSizeInUse: bytesHeld,
        leader: leader === null ? '0' : ids.memberOf(leader),
        raftIndex: lastIndex,
        raftTerm: term,
        raftAppliedIndex: appliedIndex,
        errors: [...problems, ...alarms.map(alarmWords)],
        isLearner: false,
        storageVersion: ETCD_VERSION,
        dbSizeQuota: parts.space.quotaBytes ?? 0,
      }
    }),
    // Nothing to do: what compaction frees is free at once, and the log's segments go by themselves.
    unary(etcdMaintenance.defragment, () => ({ header: header() })),
    unary(etcdMaintenance.hash, () => {
      const store = parts.store()
      const from = performance.now()
      const hash = store.hashAt(store.revision)
      parts.times?.hashed((performance.now() - from) / 1000)
      return { header: header(), hash }
    }),
    unary(etcdMaintenance.hashKv, ({ revision }) => hashKv(parts, revision)),
    unary(etcdMaintenance.moveLeader, async ({ targetID }, context) => {
      await moveLeader(parts, targetID, context)
      return { header: header() }
    }),
    unary(etcdMaintenance.alarm, (request, context) =>
      runCommand(parts, CommandTag.ALARM, request, context),
    ),
    unary(etcdMaintenance.downgrade, refuseDowngrade),
    streaming(etcdMaintenance.snapshot, (stream) => stream.fail(notYet('Snapshot'))),
  ]
}

/** Between two looks at who leads: a tick, as etcd does. */
const TRANSFER_LOOK_MS = 20
const TRANSFER_MS_MAX = 10_000
/** No node has this name. */
const NOBODY: NodeId = ''

/** As etcd writes its message of it. */
function alarmWords({ memberID, alarm }: Alarm): string {
  const member = memberID === '0' ? '' : `memberID:${memberID} `
  return `${member}alarm:${alarmName(alarm)} `
}

/** There is no version to go down to. */
function refuseDowngrade({ action, version }: DowngradeRequest): never {
  if (action === CANCEL)
    throw new RpcError(Code.FAILED_PRECONDITION, 'etcdserver: no inflight downgrade')
  if (!/^[0-9]+\.[0-9]+(\.[0-9]+)?$/.test(version))
    throw new RpcError(Code.INVALID_ARGUMENT, 'etcdserver: wrong downgrade target version format')
  throw new RpcError(Code.INVALID_ARGUMENT, 'etcdserver: invalid downgrade target version')
}

function hashKv({ headers, store, times }: MaintenanceParts, asked: number) {
  const view = store()
  const revision = asked > 0 ? asked : view.revision
  if (revision > view.revision)
    throw new RpcError(
      Code.OUT_OF_RANGE,
      'etcdserver: mvcc: required revision is a future revision',
    )
  if (revision < view.compactRevision)
    throw new RpcError(Code.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted')
  const compactRevision = view.compactRevision
  const from = performance.now()
  const hash = view.hashAt(revision)
  times?.hashedAt((performance.now() - from) / 1000)
  return { header: headers.of(view.revision), hash, compactRevision, hashRevision: revision }
}

/** Answers once the other leads, as this member sees it. */
async function moveLeader(
  { ids, transferLeadership, status }: MaintenanceParts,
  target: string,
  context: Pick<CallContext, 'remainingMs'>,
): Promise<void> {
  const name = ids.nameOf(target)
  // For a stranger, too: whoever does not lead says that first, as etcd does.
  const refusal = transferLeadership(name ?? NOBODY)
  if (refusal?.type === 'NotLeader')
    throw new RpcError(Code.FAILED_PRECONDITION, 'etcdserver: not leader')
  // Who leads has it already.
  if (name !== null && status().leader === name) return
  if (refusal !== null)
    throw new RpcError(Code.FAILED_PRECONDITION, 'etcdserver: bad leader transferee')
  const end = performance.now() + Math.min(context.remainingMs(), TRANSFER_MS_MAX)
  while (status().leader !== name) {
    if (performance.now() > end)
      throw new RpcError(
        Code.UNAVAILABLE,
        'etcdserver: request timed out, leader transfer took too long',
      )
    await setTimeout(TRANSFER_LOOK_MS)
  }
}
