// What telling many watchers costs the hub alone, and how long a slice of it holds up the event loop:
//
//   npx tsc -b && node bench/watch-hub.mjs [watchers]
//
// The best of three runs each: the machine's other work and the garbage collector's are in the longest slice too.
import { PutRequest } from '../dist/gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag, encodeCommand } from '../dist/machine/kv/commands.js'
import { KvMachine } from '../dist/machine/kv/kv-machine.js'
import { WatchHub } from '../dist/machine/watch/hub.js'

const watchers = Number(process.argv[2] ?? 100_000)
const RUNS = 3

const text = (i) => String(i).padStart(6, '0')
const oneKey = () => ({ key: 'k', end: '' })
const ownRange = (i) => ({ key: `k${text(i)}/`, end: `k${text(i)}0` })
const fromOwn = (i) => ({ key: `k${text(i)}`, end: null })
const oneRange = () => ({ key: 'a', end: 'z' })

const cases = [
  ['one key, all told', oneKey, 300, () => 'k'],
  ['one range, all told', oneRange, 300, (i) => `k${i}`],
  ['a range each, one told of each event', ownRange, 300, (i) => `k${text(i)}/x`],
  ['from a key each on, all told', fromOwn, 30, (i) => `l${i}`],
  ['from a key each on, none told', fromOwn, 300, (i) => `a${i}`],
]
for (const [name, rangeAt, events, keyAt] of cases) {
  let best = null
  for (let i = 0; i < RUNS; i++) {
    const took = await run(rangeAt, events, keyAt)
    if (best === null || took.longest < best.longest) best = took
  }
  console.log(
    `${watchers} watchers of ${name}, ${events} events: told ${best.told} in ${best.total.toFixed(1)} ms ` +
      `of ${best.slices} slices, the longest ${best.longest.toFixed(1)} ms`,
  )
}

async function run(rangeAt, events, keyAt) {
  const took = { told: 0, total: 0, slices: 0, longest: 0 }
  const kv = new KvMachine()
  const soon = (task) =>
    setImmediate(() => {
      const from = performance.now()
      task()
      const ms = performance.now() - from
      took.total += ms
      took.slices++
      took.longest = Math.max(took.longest, ms)
    })
  const hub = new WatchHub(kv, { soon, now: () => performance.now() })
  kv.listen(hub)
  const sink = {
    writable: true,
    events: (_, versions) => {
      took.told += versions.length
    },
    compacted: () => {},
  }
  const flags = { noPut: false, noDelete: false, prevKv: false, fragment: false }
  for (let id = 0; id < watchers; id++)
    hub.add({ id, range: rangeAt(id), ...flags, progressNotify: false, sink, next: 2 })
  for (let i = 0; i < events; i++) kv.apply(put(keyAt(i)), { index: i + 1, time: 0 })
  while (hub.told < kv.revision) await new Promise((done) => setImmediate(done))
  return took
}

function put(key) {
  const flags = { prevKv: false, ignoreValue: false, ignoreLease: false }
  const value = Buffer.from('v')
  const request = { key: Buffer.from(key), value, lease: '0', ...flags }
  return encodeCommand(CommandTag.PUT, PutRequest.encode(request).finish())
}
