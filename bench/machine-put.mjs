// What one Put of 256 B costs the state machine, sessions included: npm run build && node bench/machine-put.mjs
import { PutRequest } from '../dist/gen/etcd/api/etcdserverpb/rpc.js'
import { encodeCommand } from '../dist/machine/kv/commands.js'
import { KvMachine } from '../dist/machine/kv/kv-machine.js'
import { SessionMachine } from '../dist/machine/machine.js'

const KEYS = 100_000
const PUTS = 300_000
const BATCH = 50
const UNACKED = 200

const commands = Array.from({ length: KEYS }, (_, i) => {
  const key = Buffer.from(`key-${String((i * 7919) % KEYS).padStart(12, '0')}`)
  const flags = { lease: '0', prevKv: false, ignoreValue: false, ignoreLease: false }
  return encodeCommand(
    1,
    PutRequest.encode({ key, value: Buffer.alloc(256, i), ...flags }).finish(),
  )
})
const machine = new SessionMachine(new KvMachine())
let index = 1
const open = { session: 0, seq: 1, ackedThrough: 0, command: new Uint8Array(0) }
machine.applyEntry({ index, time: 1, requests: [open] })

let seq = 0
for (const round of ['new keys, then again', 'overwrites', 'overwrites', 'overwrites']) {
  const cpu = process.cpuUsage()
  const from = performance.now()
  let longest = 0
  for (let n = 0; n < PUTS; n += BATCH) {
    const requests = []
    for (let i = 0; i < BATCH; i++) {
      seq++
      const ackedThrough = Math.max(0, seq - UNACKED)
      requests.push({ session: 1, seq, ackedThrough, command: commands[seq % KEYS] })
    }
    const started = performance.now()
    machine.applyEntry({ index: ++index, time: index, requests })
    longest = Math.max(longest, performance.now() - started)
  }
  const wall = ((performance.now() - from) * 1000) / PUTS
  const { user, system } = process.cpuUsage(cpu)
  const rss = Math.round(process.memoryUsage().rss / 1e6)
  console.log(
    `${round}: ${wall.toFixed(2)} us a Put (CPU of all threads ${((user + system) / PUTS).toFixed(2)} us), ` +
      `longest batch of ${BATCH} ${longest.toFixed(1)} ms, ${rss} MB`,
  )
}
const from = performance.now()
machine.fullHash()
console.log(
  `fullHash after ${UNACKED} unacknowledged answers: ${(performance.now() - from).toFixed(2)} ms`,
)
