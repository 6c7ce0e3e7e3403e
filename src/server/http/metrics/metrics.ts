/**
 * Metrics in Prometheus's format, under etcd's names where the thing is the same, so that dashboards and alerts for
 * etcd work; what is our own is called `quorate_`. All but the disk's times are read when they are asked for: a
 * counter on the hot path is a plain number.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type CallTally, goCodeName } from '../../rpc/call-tally.js'
import { ETCD_VERSION } from '../etcd/version.js'

export interface MetricsView {
  readonly version: string
  readonly protocol: string
  /** etcd's id of this member. */
  readonly memberId: string
  readonly quotaBytes: number | null
  readonly tally: CallTally
  server(): ServerView
  /** Null: an embedder's machine. */
  store(): StoreNumbers | null
  /** Plain counters of log, peers and signatures, named as `status` names them. */
  counters(): ReadonlyMap<string, number>
}

export interface ServerView {
  readonly leader: string | null
  readonly isLeader: boolean
  readonly leaderChanges: number
  readonly term: number
  readonly committed: number
  readonly applied: number
  readonly pending: number
  readonly unsyncedBatches: number
}

export interface StoreNumbers {
  readonly revision: number
  readonly compactRevision: number
  readonly keys: number
  readonly bytesHeld: number
}

/** etcd's buckets of fsync's time (s). */
const FSYNC_BUCKETS = Array.from({ length: 14 }, (_, i) => 0.001 * 2 ** i)

export class Metrics {
  readonly #registry = new Registry()
  readonly #fsync = new Histogram({
    name: 'etcd_disk_wal_fsync_duration_seconds',
    help: 'Time of each fdatasync of the log.',
    buckets: FSYNC_BUCKETS,
    registers: [this.#registry],
  })

  /** The log was synced, in so many seconds. */
  synced(seconds: number): void {
    this.#fsync.observe(seconds)
  }

  /** Once: what there is to read. */
  read(view: MetricsView): void {
    collectDefaultMetrics({ register: this.#registry })
    this.#describe(view)
    this.#readServer(view)
    this.#readStore(view)
    this.#readCalls(view.tally)
    this.#readCounters(view)
  }

  async text(): Promise<{ type: string; text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() }
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read())
      },
    })
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  #fact(name: string, help: string, labels: Record<string, string>): void {
    const labelNames = Object.keys(labels)
    new Gauge({ name, help, labelNames, registers: [this.#registry] }).set(labels, 1)
  }

  #describe({ version, protocol, memberId }: MetricsView): void {
    this.#fact('quorate_build_info', 'Version and protocol.', { version, protocol })
    this.#fact('etcd_server_version', "Version of etcd's API.", { server_version: ETCD_VERSION })
    const cluster = ETCD_VERSION.replace(/\.\d+$/, '')
    this.#fact('etcd_cluster_version', "Version of etcd's API.", { cluster_version: cluster })
    this.#fact('etcd_server_id', 'Id of this member, in hex.', {
      server_id: BigInt(memberId).toString(16),
    })
  }

  #readServer({ server }: MetricsView): void {
    const flag = (value: boolean) => (value ? 1 : 0)
    this.#gauge('etcd_server_has_leader', 'Whether a leader is known.', () =>
      flag(server().leader !== null),
    )
    this.#gauge('etcd_server_is_leader', 'Whether this node leads.', () => flag(server().isLeader))
    this.#counter(
      'etcd_server_leader_changes_seen_total',
      'Leaders this node came to know, one after another.',
      () => server().leaderChanges,
    )
    this.#gauge(
      'etcd_server_proposals_committed_total',
      'Highest index known to be committed.',
      () => server().committed,
    )
    this.#gauge(
      'etcd_server_proposals_applied_total',
      'Highest index that the state machine has executed.',
      () => server().applied,
    )
    this.#gauge(
      'etcd_server_proposals_pending',
      'Requests whose outcome somebody waits for.',
      () => server().pending,
    )
    this.#gauge('quorate_term', "Raft's term, PBFT's view.", () => server().term)
    this.#gauge(
      'quorate_unsynced_batches',
      'Batches appended to the log and not known to be on disk.',
      () => server().unsyncedBatches,
    )
  }

  #readStore({ store, quotaBytes }: MetricsView): void {
    if (store() === null) return
    const read = (of: (numbers: StoreNumbers) => number) => () => {
      const numbers = store()
      return numbers === null ? 0 : of(numbers)
    }
    const bytes = read(({ bytesHeld }) => bytesHeld)
    this.#gauge('etcd_mvcc_db_total_size_in_bytes', 'Keys and values held in memory.', bytes)
    this.#gauge(
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'The same: nothing is preallocated.',
      bytes,
    )
    this.#gauge(
      'etcd_server_quota_backend_bytes',
      'Bytes held above which writes are refused; 0: no bound.',
      () => quotaBytes ?? 0,
    )
    this.#gauge(
      'etcd_debugging_mvcc_keys_total',
      'Keys held, deleted ones that are not yet collected included.',
      read(({ keys }) => keys),
    )
    this.#gauge(
      'etcd_debugging_mvcc_current_revision',
      'Revision of the last change.',
      read(({ revision }) => revision),
    )
    this.#gauge(
      'etcd_debugging_mvcc_compact_revision',
      'Revision of the last compaction; -1: none.',
      read(({ compactRevision }) => compactRevision),
    )
  }

  #readCalls(tally: CallTally): void {
    const labelNames = ['grpc_service', 'grpc_method', 'grpc_type'] as const
    const labelsOf = (service: string, method: string, type: string) => ({
      grpc_service: service,
      grpc_method: method,
      grpc_type: type,
    })
    const registers = [this.#registry]
    new Counter({
      name: 'grpc_server_started_total',
      help: 'Calls begun.',
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset()
        for (const { service, method, type, started } of tally.all())
          this.inc(labelsOf(service, method, type), started)
      },
    })
    new Counter({
      name: 'grpc_server_handled_total',
      help: 'Calls ended, by code.',
      labelNames: [...labelNames, 'grpc_code'],
      registers,
      collect() {
        this.reset()
        for (const { service, method, type, ended } of tally.all())
          for (const [code, count] of ended.entries())
            if (count !== undefined)
              this.inc({ ...labelsOf(service, method, type), grpc_code: goCodeName(code) }, count)
      },
    })
  }

  #readCounters({ counters }: MetricsView): void {
    this.#counter(
      'etcd_disk_wal_write_bytes_total',
      'Bytes written to the log.',
      () => counters().get('wal_bytes') ?? 0,
    )
    for (const name of counters().keys())
      this.#counter(`quorate_${name}_total`, OURS, () => counters().get(name) ?? 0)
  }
}

const OURS = 'As `quorate status --json` counts it.'
