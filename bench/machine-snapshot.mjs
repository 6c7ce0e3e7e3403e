// How long a snapshot holds up the node: npm run build && node --max-old-space-size=6000 bench/machine-snapshot.mjs
// Between two pulls 50 Puts are applied, as in a node under load.
import { PutRequest } from '../dist/gen/etcd/api/etcdserverpb/rpc.js'
import { encodeCommand } from '../dist/machine/kv/commands.js'
import { KvMachine } from '../dist/machine/kv/kv-machine.js'
import { SessionMachine } from '../dist/machine/machine.js'

const VALUE_BYTES = 256
const flags = { lease: '0', prevKv: false, ignoreValue: false, ignoreLease: false }
const value = Buffer.alloc(VALUE_BYTES, 7)

function putOf(i) {
  const key = Buffer.from(`key-${String(i).padStart(12, '0')}`)
  return encodeCommand(1, PutRequest.encode({ key, value, ...flags }).finish())
}

for (const keys of [100_000, 1_000_000]) {
  for (const compacted of [false, true]) measure(keys, compacted)
}

function measure(keys, compacted) {
  const kv = new KvMachine()
  const machine = new SessionMachine(kv)
  let index = 0
  let seq = 0
  const open = { session: 0, seq: 1, ackedThrough: 0, command: new Uint8Array(0) }
  machine.applyEntry({ index: ++index, time: 1, requests: [open] })
  const apply = (command) => {
    const request = { session: 1, seq: ++seq, ackedThrough: seq - 1, command }
    machine.applyEntry({ index: ++index, time: 1, requests: [request] })
  }
  for (let i = 0; i < keys; i++) apply(putOf((i * 7919) % keys))
  let compaction = 0
  if (compacted) {
    const command = Uint8Array.of(4, 8, ...varint(kv.revision))
    compaction = timed(() => apply(command))
    while (kv.collect(256)) {}
  }
  let view
  const capture = timed(() => {
    view = machine.snapshot()
  })
  const pulls = []
  const pieces = []
  let bytes = 0
  for (let done = false; !done; ) {
    pulls.push(
      timed(() => {
        const next = view.next()
        if (next.done) done = true
        else pieces.push(next.value)
      }),
    )
    for (let i = 0; i < 50 && !done; i++) apply(putOf((seq * 31) % keys))
  }
  for (const piece of pieces) bytes += piece.length
  pulls.sort((a, b) => a - b)
  const at = (p) => pulls[Math.min(pulls.length - 1, Math.floor(pulls.length * p))].toFixed(2)
  const fresh = new SessionMachine(new KvMachine())
  const restore = timed(() => fresh.restore(pieces))
  console.log(
    `${keys} keys${compacted ? `, compacted in ${compaction.toFixed(2)} ms` : ''}: ` +
      `capture ${capture.toFixed(2)} ms, ${pulls.length} pulls, p50 ${at(0.5)} p99 ${at(0.99)} ` +
      `longest ${at(1)} ms, ${(bytes / 1e6).toFixed(0)} MB, restore ${restore.toFixed(0)} ms`,
  )
}

function timed(task) {
  const from = performance.now()
  task()
  return performance.now() - from
}

function varint(number) {
  const out = []
  for (let rest = number; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest]
    out.push((rest % 128) | 128)
  }
}
