/** `check perf`: etcdctl's load of a minute, and its bounds, by its own figures. */
import type { EtcdClient } from '../../client/etcd/client.js'
import { EXIT } from '../errors.js'
import { note, print } from '../output.js'
import { type ClientFlags, withEtcd } from '../session.js'

interface Load {
  /** Writes a second that are asked for, and of which so large a share is needed. */
  readonly rate: number
  readonly clients: number
}

const SECONDS = 60
const NEEDED_SHARE = 0.9
const SLOWEST_MS_MAX = 500
const STDDEV_MS_MAX = 100
const KEY_BYTES = 256
const VALUE_BYTES = 1_024

const LOADS: Readonly<Record<string, Load>> = {
  s: { rate: 150, clients: 50 },
  m: { rate: 1_000, clients: 200 },
  l: { rate: 8_000, clients: 500 },
  xl: { rate: 15_000, clients: 1_000 },
}
const SIZES: Readonly<Record<string, string>> = {
  small: 's',
  medium: 'm',
  large: 'l',
  xLarge: 'xl',
}

export interface PerfFlags extends ClientFlags {
  readonly load: string
  readonly prefix: string
  readonly autoCompact?: boolean
  readonly autoDefrag?: boolean
}

export async function perf(flags: PerfFlags): Promise<number> {
  const load = LOADS[SIZES[flags.load] ?? flags.load]
  if (load === undefined) throw new Error(`no load ${flags.load}`)
  return await withEtcd(flags, async (client) => {
    note(`${load.rate} writes a second for ${SECONDS} s`)
    const tookMs = await write(client, load, flags.prefix)
    const { header } = await client.delete(flags.prefix, { prefix: true })
    if (flags.autoCompact === true) await client.compact(header?.revision ?? 0)
    if (flags.autoDefrag === true)
      for (const endpoint of client.endpoints) await client.defragment(endpoint)
    return verdict(tookMs, load)
  })
}

/** What each write took; null: it failed. At an even pace, with so many under way at most. */
async function write(client: EtcdClient, load: Load, prefix: string): Promise<(number | null)[]> {
  const tookMs: (number | null)[] = []
  const value = new Uint8Array(VALUE_BYTES).fill(0x76)
  const began = performance.now()
  const end = began + SECONDS * 1_000
  let next = 0
  const worker = async () => {
    for (;;) {
      const due = began + (next++ * 1_000) / load.rate
      if (due >= end || performance.now() >= end) return
      const early = due - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
      const key = (prefix + String(next)).padEnd(KEY_BYTES, '.')
      const start = performance.now()
      await client.put(key, value).then(
        () => tookMs.push(performance.now() - start),
        () => tookMs.push(null),
      )
    }
  }
  await Promise.all(Array.from({ length: load.clients }, worker))
  return tookMs
}

function verdict(tookMs: readonly (number | null)[], { rate }: Load): number {
  const done = tookMs.filter((ms) => ms !== null)
  const mean = done.reduce((sum, ms) => sum + ms, 0) / done.length
  const variance = done.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / done.length
  const slowest = done.reduce((most, ms) => Math.max(most, ms), 0)
  const stddev = Math.sqrt(variance)
  const throughput = done.length / SECONDS
  const errors = tookMs.length - done.length
  const checks: (readonly [boolean, string])[] = [
    [errors === 0, `${errors} writes failed`],
    [throughput >= rate * NEEDED_SHARE, `Throughput is ${throughput.toFixed(0)} writes/s`],
    [slowest <= SLOWEST_MS_MAX, `Slowest request took ${(slowest / 1_000).toFixed(6)}s`],
    [stddev <= STDDEV_MS_MAX, `Stddev is ${(stddev / 1_000).toFixed(6)}s`],
  ]
  for (const [ok, text] of checks)
    if (!ok || text !== '0 writes failed') print(`${ok ? 'PASS' : 'FAIL'}: ${text}`)
  const passed = checks.every(([ok]) => ok)
  print(passed ? 'PASS' : 'FAIL')
  return passed ? EXIT.ok : EXIT.generic
}
