/** What the store holds and did, and its watchers: `etcd_mvcc_`, and under `etcd_debugging_` what etcd has there. */
import type { Counts } from '../../../machine/kv/counts.js'
import type { WatchNumbers } from '../../../machine/watch/hub.js'
import type { CallTally } from '../../../rpc/call-tally.js'
import type { Register } from './register.js'

export interface StoreNumbers {
  readonly revision: number
  readonly compactRevision: number
  readonly keys: number
  readonly bytesHeld: number
  readonly counts: Readonly<Counts>
}

const WATCH = 'etcdserverpb.Watch'

export function readStore(to: Register, store: StoreNumbers, quotaBytes: number | null): void {
  const bytes = () => store.bytesHeld
  to.gauge('etcd_mvcc_db_total_size_in_bytes', 'Keys and values held in memory.', bytes)
  to.gauge('etcd_debugging_mvcc_db_total_size_in_bytes', 'The same.', bytes)
  to.gauge('etcd_mvcc_db_total_size_in_use_in_bytes', 'The same: nothing is preallocated.', bytes)
  to.gauge(
    'etcd_server_quota_backend_bytes',
    'Bytes held above which writes are refused; 0: no bound.',
    () => quotaBytes ?? 0,
  )
  to.gauge(
    'etcd_debugging_mvcc_keys_total',
    'Keys held, deleted ones that are not yet collected included.',
    () => store.keys,
  )
  to.gauge(
    'etcd_debugging_mvcc_current_revision',
    'Revision of the last change.',
    () => store.revision,
  )
  to.gauge(
    'etcd_debugging_mvcc_compact_revision',
    'Revision of the last compaction; -1: none.',
    () => store.compactRevision,
  )
  readOperations(to, () => store.counts)
  readLeases(to, () => store.counts)
}

function readOperations(to: Register, counts: () => Readonly<Counts>): void {
  const both = (name: string, help: string, read: () => number): void => {
    to.counter(`etcd_mvcc_${name}`, help, read)
    to.counter(`etcd_debugging_mvcc_${name}`, help, read)
  }
  both('put_total', 'Puts executed, those within transactions too.', () => counts().puts)
  both('delete_total', 'DeleteRanges executed.', () => counts().deletes)
  both('range_total', 'Ranges executed.', () => counts().ranges)
  both('txn_total', 'Transactions of more than one operation.', () => counts().txns)
  to.gauge(
    'etcd_debugging_mvcc_total_put_size_in_bytes',
    'Bytes of keys and values that were put.',
    () => counts().putBytes,
  )
  to.counter(
    'etcd_debugging_mvcc_db_compaction_keys_total',
    'Changes gone through to free what compactions gave up.',
    () => counts().collected,
  )
}

function readLeases(to: Register, counts: () => Readonly<Counts>): void {
  to.counter('etcd_debugging_lease_granted_total', 'Leases granted.', () => counts().leasesGranted)
  to.counter('etcd_debugging_lease_renewed_total', 'Leases renewed.', () => counts().leasesRenewed)
  to.counter('etcd_debugging_lease_revoked_total', 'Leases revoked.', () => counts().leasesRevoked)
  to.counter(
    'etcd_debugging_server_lease_expired_total',
    'Leases expired.',
    () => counts().leasesExpired,
  )
}

export function readWatch(to: Register, watch: () => WatchNumbers, tally: CallTally): void {
  to.gauge('etcd_debugging_mvcc_watcher_total', 'Watches.', () => watch().watchers)
  to.gauge('etcd_debugging_mvcc_watch_stream_total', 'Streams of watches.', () =>
    openStreams(tally),
  )
  to.gauge(
    'etcd_debugging_mvcc_slow_watcher_total',
    'Watches that are behind: they asked for the past, or their streams are full.',
    () => watch().slow,
  )
  to.counter('etcd_debugging_mvcc_events_total', 'Events told to watches.', () => watch().told)
  to.gauge(
    'etcd_debugging_mvcc_pending_events_total',
    'Revisions that nobody was told yet.',
    () => watch().pending,
  )
}

function openStreams(tally: CallTally): number {
  let open = 0
  for (const { service, started, ended } of tally.all())
    if (service === WATCH) open += started - ended.reduce((sum, count) => sum + (count ?? 0), 0)
  return open
}
