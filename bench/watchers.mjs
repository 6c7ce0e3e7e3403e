// Watchers of distinct keys on one node, each on the streams of few connections, and what they are told a second:
//
//   npx tsc -b && node bench/watchers.mjs [watchers] [seconds] [events a second]
//
// Writers put the watched keys on the same node of a cluster of one. Fails if an event is missing.
import { PutRequest, WatchRequest, WatchResponse } from '../dist/gen/etcd/api/etcdserverpb/rpc.js'
import { startCluster } from './support/cluster.mjs'
import { open, ready, stream, unary } from './support/grpc.mjs'

const watchers = Number(process.argv[2] ?? 10_000)
const seconds = Number(process.argv[3] ?? 10)
const rate = Number(process.argv[4] ?? 20_000)
const STREAMS = 20
const WRITERS = 8
const KEYS_PER_TXN = 100

const cluster = await startCluster(1)
try {
  const put = (key) => ({
    key: Buffer.from(key),
    value: Buffer.from(String(performance.now())),
    lease: '0',
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  })
  const [endpoint] = cluster.endpoints
  await ready(cluster.endpoints, '/etcdserverpb.KV/Put', PutRequest.encode(put('warm')).finish())
  let created = 0
  let told = 0
  const latencies = []
  const streams = Array.from({ length: STREAMS }, () =>
    stream(open(endpoint), '/etcdserverpb.Watch/Watch', (bytes) => {
      const response = WatchResponse.decode(bytes)
      if (response.created) created++
      for (const event of response.events) {
        told++
        latencies.push(performance.now() - Number(Buffer.from(event.kv.value).toString()))
      }
    }),
  )
  const none = Buffer.alloc(0)
  for (let i = 0; i < watchers; i++) {
    const value = {
      key: Buffer.from(`key-${i}`),
      rangeEnd: none,
      startRevision: 0,
      progressNotify: false,
      filters: [],
      prevKv: false,
      watchId: 0,
      fragment: false,
    }
    const request = { requestUnion: { $case: 'createRequest', value } }
    streams[i % STREAMS].write(WatchRequest.encode(request).finish())
  }
  while (created < watchers) await new Promise((done) => setTimeout(done, 50))
  const { TxnRequest } = await import('../dist/gen/etcd/api/etcdserverpb/rpc.js')
  let written = 0
  let next = 0
  const from = performance.now()
  const writer = async () => {
    const session = open(endpoint)
    while (performance.now() - from < seconds * 1000) {
      const due = ((performance.now() - from) / 1000) * rate
      if (written >= due) {
        await new Promise((done) => setTimeout(done, 2))
        continue
      }
      written += KEYS_PER_TXN
      const success = Array.from({ length: KEYS_PER_TXN }, () => ({
        request: { $case: 'requestPut', value: put(`key-${next++ % watchers}`) },
      }))
      const request = TxnRequest.encode({ compare: [], success, failure: [] }).finish()
      await unary(session, '/etcdserverpb.KV/Txn', request)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  const ranMs = performance.now() - from
  while (told < written && performance.now() - from < seconds * 1000 + 10_000)
    await new Promise((done) => setTimeout(done, 20))
  const toldMs = performance.now() - from
  latencies.sort((a, b) => a - b)
  const at = (p) => latencies[Math.min(latencies.length - 1, Math.floor(p * latencies.length))]
  console.log(
    `${watchers} watchers on ${STREAMS} streams: ${told} of ${written} events delivered, ` +
      `${((told * 1000) / toldMs).toFixed(0)}/s (written ${((written * 1000) / ranMs).toFixed(0)}/s), ` +
      `after the write was begun p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms`,
  )
  process.exitCode = told === written ? 0 : 1
} finally {
  await cluster.close()
}
process.exit()
