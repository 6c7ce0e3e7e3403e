// How long the event loop is held up while a large history is freed on an idle node:
//
//   npx tsc -b && node bench/compaction.mjs [events]
//
// One half of the events spread over many keys, the other over ten hot ones. Fails where a slice takes more than 5 ms,
// or the loop is late by more than 10 ms at p99.9.
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { CompactionRequest, PutRequest } from '../dist/gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag, encodeCommand } from '../dist/machine/kv/commands.js'
import { KvMachine } from '../dist/machine/kv/kv-machine.js'
import { GarbageCollector } from '../dist/node/garbage.js'

const events = Number(process.argv[2] ?? 1_000_000)
const KEYS = 100_000
const LAG_MS_MAX = 10
const SLICE_MS_MAX = 5

const kv = new KvMachine()
let idle = null
/**
 * Of each slice (ms), the less of two: by the clock, which runs also while others have the core, and in CPU, which
 * counts the collector's and the compiler's threads too.
 */
const slices = []
/** When JavaScript's collector stopped everything. */
const pauses = []
new PerformanceObserver((list) => pauses.push(...list.getEntries())).observe({ type: 'gc' })
const garbage = new GarbageCollector(
  (eventsMax) => {
    const more = kv.collect(eventsMax)
    if (!more) idle?.()
    return more
  },
  {
    now: () => performance.now(),
    soon: (task) =>
      setImmediate(() => {
        const began = process.cpuUsage()
        const from = performance.now()
        task()
        const ms = performance.now() - from
        const { user, system } = process.cpuUsage(began)
        slices.push({ from, ms: Math.min(ms, (user + system) / 1000) })
      }),
  },
)
kv.listen({ changed: () => {}, restored: () => {}, compacted: () => garbage.start() })
let index = 0
const apply = (bytes) => kv.apply(bytes, { index: ++index, time: 0 })
const flags = { lease: '0', prevKv: false, ignoreValue: false, ignoreLease: false }
for (let i = 0; i < events; i++) {
  const key = Buffer.from(i % 2 === 0 ? `key-${(i * 7919) % KEYS}` : `hot-${i % 10}`)
  const message = PutRequest.encode({ key, value: Buffer.alloc(100, i), ...flags }).finish()
  apply(encodeCommand(CommandTag.PUT, message))
  if (i % 10_000 === 0) await new Promise((done) => setImmediate(done))
}
const before = kv.eventsHeld
const lag = monitorEventLoopDelay({ resolution: 1 })
lag.enable()
const at = (p) => Math.max(0, lag.percentile(p) / 1e6 - 1)
await new Promise((done) => setTimeout(done, 1_000))
console.log(
  `nothing to do: the loop is late by p99 ${at(99).toFixed(1)} ms, p99.9 ${at(99.9).toFixed(1)} ms`,
)
lag.reset()
const from = performance.now()
const done = new Promise((resolve) => {
  idle = resolve
})
const revision = kv.revision
apply(
  encodeCommand(
    CommandTag.COMPACT,
    CompactionRequest.encode({ revision, physical: false }).finish(),
  ),
)
await done
const ms = performance.now() - from
lag.disable()
// Its pauses are told a little later.
await new Promise((told) => setTimeout(told, 200))
const collecting = ({ from, ms }) =>
  pauses
    .filter(({ startTime }) => startTime >= from && startTime <= from + ms)
    .reduce((sum, { duration }) => sum + duration, 0)
const whole = sorted(slices.map(({ ms }) => ms))
const own = sorted(slices.map((slice) => Math.max(0, slice.ms - collecting(slice))))
console.log(
  `${before - kv.eventsHeld} of ${before} events freed in ${ms.toFixed(0)} ms; the loop was late by ` +
    `p99 ${at(99).toFixed(1)} ms, p99.9 ${at(99.9).toFixed(1)} ms; ` +
    `${slices.length} slices of p50 ${told(whole, 50)}, p99.9 ${told(whole, 99.9)}, at most ${told(whole, 100)}; ` +
    `without the collector's pauses in them p99.9 ${told(own, 99.9)}, at most ${told(own, 100)}`,
)
const bounded = own.at(-1) <= SLICE_MS_MAX && at(99.9) <= LAG_MS_MAX
process.exitCode = bounded ? 0 : 1

function sorted(numbers) {
  return numbers.sort((a, b) => a - b)
}

function told(numbers, p) {
  const at = Math.min(numbers.length - 1, Math.floor((p / 100) * numbers.length))
  return `${numbers[at].toFixed(1)} ms`
}
