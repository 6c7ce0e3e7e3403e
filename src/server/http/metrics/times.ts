/** What goes on beside the requests and how long it takes, as etcd's histograms have it; and probes of health. */
import { Counter, Histogram, type Registry } from 'prom-client'

const powersOfTwo = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => first * 2 ** i)

export class Times {
  readonly #registry: Registry
  readonly #hash: Histogram
  readonly #hashAt: Histogram
  readonly #pause: Histogram
  readonly #compaction: Histogram
  readonly #snapshot: Histogram
  readonly #leaseTtl: Histogram
  readonly #healthy: Counter
  readonly #unhealthy: Counter
  readonly #lateHeartbeats: Counter
  #tickedAt: number | null = null

  constructor(registry: Registry) {
    this.#registry = registry
    const seconds = powersOfTwo(0.01, 15)
    this.#hash = this.#histogram('etcd_mvcc_hash_duration_seconds', 'Time of each Hash.', seconds)
    this.#hashAt = this.#histogram(
      'etcd_mvcc_hash_rev_duration_seconds',
      'Time of each HashKV.',
      seconds,
    )
    this.#pause = this.#histogram(
      'etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds',
      'Time of each slice of freeing what a compaction gave up.',
      powersOfTwo(1, 13),
    )
    this.#compaction = this.#histogram(
      'etcd_debugging_mvcc_db_compaction_total_duration_milliseconds',
      'From a compaction until all that it gave up is freed.',
      powersOfTwo(100, 14),
    )
    this.#snapshot = this.#histogram(
      'etcd_debugging_snap_save_total_duration_seconds',
      'Time until a snapshot of the own state is on disk.',
      powersOfTwo(0.001, 14),
    )
    this.#leaseTtl = this.#histogram(
      'etcd_debugging_lease_ttl_total',
      'TTLs of leases granted through this member (s).',
      powersOfTwo(1, 24),
    )
    this.#healthy = this.#counter('etcd_server_health_success', 'Probes of /health that it passed.')
    this.#unhealthy = this.#counter('etcd_server_health_failures', 'Those that it did not.')
    this.#lateHeartbeats = this.#counter(
      'etcd_server_heartbeat_send_failures_total',
      'Heartbeats of this leader that a busy process held up to twice their interval.',
    )
  }

  hashed(seconds: number): void {
    this.#hash.observe(seconds)
  }

  hashedAt(seconds: number): void {
    this.#hashAt.observe(seconds)
  }

  slice(ms: number): void {
    this.#pause.observe(ms)
  }

  compacted(ms: number): void {
    this.#compaction.observe(ms)
  }

  snapshotSaved(seconds: number): void {
    this.#snapshot.observe(seconds)
  }

  leaseGranted(ttlSeconds: number): void {
    this.#leaseTtl.observe(ttlSeconds)
  }

  probed(healthy: boolean): void {
    if (healthy) this.#healthy.inc()
    else this.#unhealthy.inc()
  }

  /** Heartbeats leave with ticks: one that comes so late (ms) held one up, where this node leads. */
  ticked(nowMs: number, lateMs: number, leads: () => boolean): void {
    const late = this.#tickedAt !== null && nowMs - this.#tickedAt > lateMs
    this.#tickedAt = nowMs
    if (late && leads()) this.#lateHeartbeats.inc()
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] })
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.#registry] })
  }
}
