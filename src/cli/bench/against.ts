/** The same work on a cluster of etcd and on one of ours, alternately in one run, by one kind of client. */
import { EtcdClient } from '../../client/etcd/client.js'
import { CliError, EXIT } from '../errors.js'
import { BenchCluster } from './cluster.js'
import { EtcdCluster } from './etcd-cluster.js'
import { runLoad } from './load.js'
import { type Measured, measured } from './report.js'

export const RIVALS = ['etcd', 'quorate'] as const
export type Rival = (typeof RIVALS)[number]

/** Each is measured so often on each, turn and turn about. */
const ROUNDS = 2
/** Connections to each endpoint. */
const CLIENTS = 4
const CONCURRENCIES = [1, 100, 500] as const
const VALUE = new Uint8Array(256).fill(0x76)
const KEYS_READ = 100

interface Work {
  readonly name: string
  readonly writes: boolean
  readonly concurrency: number
}

/** Linearizable ranges of one key each; puts of keys that are all different. */
const WORKS: readonly Work[] = [true, false].flatMap((writes) =>
  CONCURRENCIES.map((concurrency) => ({
    name: `${writes ? 'put' : 'range'}-${concurrency}`,
    writes,
    concurrency,
  })),
)

/** Before anything is measured, of either: JavaScript is slow until it is compiled, and one caller alone takes long to get there. */
const WARM_UP: Work = { name: 'warm-up', writes: true, concurrency: 100 }
const WARM_UP_MS = 4_000

export interface Compared {
  readonly name: string
  /** Of the better round of each. */
  readonly etcd: Measured
  readonly quorate: Measured
  /** Operations a second of ours to theirs. */
  readonly ratio: number
}

interface Times {
  readonly warmUpMs: number
  readonly measureMs: number
}

export class Rivals {
  readonly #etcd: EtcdCluster
  readonly #quorate: BenchCluster

  private constructor(etcd: EtcdCluster, quorate: BenchCluster) {
    this.#etcd = etcd
    this.#quorate = quorate
  }

  static async start(parentDir: string | null): Promise<Rivals> {
    const etcd = await EtcdCluster.start(parentDir)
    try {
      return new Rivals(etcd, await BenchCluster.start('raft', parentDir))
    } catch (error) {
      await etcd.close()
      throw error
    }
  }

  /** Throws CliError when an operation failed on either: what was measured would mean nothing. */
  async compare(times: Times, told: (row: Compared) => void): Promise<Compared[]> {
    const rows: Compared[] = []
    const warming = { warmUpMs: 0, measureMs: WARM_UP_MS }
    for (const rival of RIVALS) await this.#measure(rival, WARM_UP, warming, 0)
    for (const work of WORKS) {
      const best = new Map<Rival, Measured>()
      for (let round = 0; round < ROUNDS; round++)
        for (const rival of RIVALS) {
          const seen = await this.#measure(rival, work, times, round)
          if (seen.opsPerSecond >= (best.get(rival)?.opsPerSecond ?? 0)) best.set(rival, seen)
        }
      const etcd = best.get('etcd')
      const quorate = best.get('quorate')
      if (etcd === undefined || quorate === undefined) throw new Error('both were measured')
      const ratio = Math.round((100 * quorate.opsPerSecond) / etcd.opsPerSecond) / 100
      rows.push({ name: work.name, etcd, quorate, ratio })
      told({ name: work.name, etcd, quorate, ratio })
    }
    return rows
  }

  async stop(): Promise<void> {
    await Promise.all([this.#etcd.close(), this.#quorate.stop()])
  }

  /** At once. */
  end(): void {
    this.#etcd.end()
    this.#quorate.end()
  }

  async #measure(rival: Rival, work: Work, times: Times, round: number): Promise<Measured> {
    const { endpoints } = rival === 'etcd' ? this.#etcd : this.#quorate
    const clients = Array.from({ length: CLIENTS }, () => new EtcdClient({ endpoints }))
    const clientOf = (n: number): EtcdClient => {
      const client = clients[n % clients.length]
      if (client === undefined) throw new Error('a load has clients')
      return client
    }
    const operation = work.writes
      ? async (n: number) => {
          const { header } = await clientOf(n).put(`bench/${work.name}/${round}/${n}`, VALUE)
          return header?.revision ?? null
        }
      : async (n: number) => {
          await clientOf(n).range(`bench/put-1/0/${n % KEYS_READ}`)
          return null
        }
    try {
      const { concurrency } = work
      const result = await runLoad({ concurrency, ...times, operation })
      if (result.errors.size > 0)
        throw new CliError(
          EXIT.generic,
          `${work.name} on ${rival}: ${[...result.errors].map(([kind, count]) => `${count} times ${kind}`).join(', ')}`,
        )
      return measured(`${rival}-${work.name}`, result, null, [])
    } finally {
      for (const client of clients) client.close()
    }
  }
}

export const COMPARED_HEAD = [
  'name',
  'etcd ops/s',
  'p50 ms',
  'p99 ms',
  'quorate ops/s',
  'p50 ms',
  'p99 ms',
  'ratio',
] as const

export function comparedCells({ name, etcd, quorate, ratio }: Compared): string[] {
  const figures = (one: Measured) => [
    one.opsPerSecond.toLocaleString('en-US'),
    one.p50Ms.toFixed(2),
    one.p99Ms.toFixed(2),
  ]
  return [name, ...figures(etcd), ...figures(quorate), ratio.toFixed(2)]
}
