/**
 * Metrics in Prometheus's format, under etcd's names where the thing is the same, so that dashboards and alerts for
 * etcd work; what is our own is called `quorate_`. All but times are read when they are asked for.
 */
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import type { WatchNumbers } from '../../../machine/watch/hub.js'
import type { CallTally } from '../../../rpc/call-tally.js'
import type { Outcomes } from '../../etcd/tallied-door.js'
import { type PeerNumbers, readCalls, readPeers } from './network.js'
import { Register } from './register.js'
import { type About, describe, hex, readOutcomes, readServer, type ServerView } from './server.js'
import { readStore, readWatch, type StoreNumbers } from './store.js'
import { Times } from './times.js'

export interface MetricsView extends About {
  readonly quotaBytes: number | null
  readonly tally: CallTally
  server(): ServerView
  /** Null: an embedder's machine. */
  readonly store: StoreNumbers | null
  /** Null: etcd's API is not served. */
  readonly etcd: {
    readonly watch: () => WatchNumbers
    readonly outcomes: Readonly<Outcomes>
  } | null
  peers(): readonly PeerNumbers[]
  /** Plain counters of log, peers and signatures, named as `status` names them. */
  counters(): ReadonlyMap<string, number>
}

/** etcd's buckets of fsync's time (s). */
const FSYNC_BUCKETS = Array.from({ length: 14 }, (_, i) => 0.001 * 2 ** i)
/** And of a round trip's. */
const ROUND_TRIP_BUCKETS = Array.from({ length: 16 }, (_, i) => 0.0001 * 2 ** i)
/** An apply that took longer is slow (s), as in etcd. */
const SLOW_APPLY_S = 0.1
const OURS = 'As `quorate status --json` counts it.'

export class Metrics {
  readonly #registry = new Registry()
  readonly #register = new Register(this.#registry)
  readonly times = new Times(this.#registry)
  readonly #fsync = new Histogram({
    name: 'etcd_disk_wal_fsync_duration_seconds',
    help: 'Time of each fdatasync of the log.',
    buckets: FSYNC_BUCKETS,
    registers: [this.#registry],
  })
  readonly #roundTrip = new Histogram({
    name: 'etcd_network_peer_round_trip_time_seconds',
    help: 'From a Hello on an open stream to its answer.',
    labelNames: ['To'],
    buckets: ROUND_TRIP_BUCKETS,
    registers: [this.#registry],
  })
  readonly #slowApplies = new Counter({
    name: 'etcd_server_slow_apply_total',
    help: 'Entries whose commands took more than 0.1 s to execute.',
    registers: [this.#registry],
  })

  /** The log was synced, in so many seconds. */
  synced(seconds: number): void {
    this.#fsync.observe(seconds)
  }

  /** This peer answered in so many seconds; `memberId` is etcd's id of it. */
  roundTrip(memberId: string, seconds: number): void {
    this.#roundTrip.observe({ To: hex(memberId) }, seconds)
  }

  /** An entry was executed, in so many seconds. */
  applied(seconds: number): void {
    if (seconds > SLOW_APPLY_S) this.#slowApplies.inc()
  }

  /** Once: what there is to read. */
  read(view: MetricsView): void {
    const to = this.#register
    collectDefaultMetrics({ register: this.#registry })
    describe(to, view)
    readServer(to, () => view.server())
    readCalls(to, view.tally)
    readPeers(to, view.memberId, () => view.peers())
    if (view.store !== null) readStore(to, view.store, view.quotaBytes)
    if (view.etcd !== null) {
      readOutcomes(to, view.etcd.outcomes)
      readWatch(to, view.etcd.watch, view.tally)
    }
    const counters = () => view.counters()
    to.gauge(
      'etcd_disk_wal_write_bytes_total',
      'Bytes written to the log.',
      () => counters().get('wal_bytes') ?? 0,
    )
    for (const name of counters().keys())
      to.counter(`quorate_${name}_total`, OURS, () => counters().get(name) ?? 0)
  }

  async text(): Promise<{ type: string; text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}
