// Leases of 60 s held by many connections, each kept alive every 20 s, on three nodes:
//
//   npx tsc -b && node bench/leases.mjs [leases] [connections] [seconds]
//
// Fails if a lease is lost.
import {
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
} from '../dist/gen/etcd/api/etcdserverpb/rpc.js'
import { startCluster } from './support/cluster.mjs'
import { open, ready, stream, unary } from './support/grpc.mjs'

const leases = Number(process.argv[2] ?? 100_000)
const connections = Number(process.argv[3] ?? 1_000)
const seconds = Number(process.argv[4] ?? 75)
const TTL_S = 60
const EVERY_MS = 20_000
const LATE_MS = 10_000
const GRANTS_AT_ONCE = 100
const FIRST_ID = 1_000_000

const cluster = await startCluster(3)
try {
  let retried = 0
  // Under an id of our own: asked twice, it is granted once.
  const grant = async (session, ID) => {
    const request = LeaseGrantRequest.encode({ TTL: String(TTL_S), ID }).finish()
    for (;;) {
      try {
        await unary(session, '/etcdserverpb.Lease/LeaseGrant', request)
        return
      } catch (error) {
        if (/: 9 /.test(error.message)) return
        retried++
      }
    }
  }
  const list = () => Buffer.from(LeaseLeasesRequest.encode({}).finish())
  await ready(cluster.endpoints, '/etcdserverpb.Lease/LeaseLeases', list())
  const sessions = Array.from({ length: connections }, (_, i) => open(cluster.endpoints[i % 3]))
  const waiting = new Map()
  let latencies = []
  let lost = 0
  let failed = 0
  const streams = []
  // Where nothing can be ordered for too long, a stream ends; like any client, ours opens another.
  const keepOpen = (i) => {
    streams[i] = stream(
      sessions[i],
      '/etcdserverpb.Lease/LeaseKeepAlive',
      (bytes) => {
        const { ID, TTL } = LeaseKeepAliveResponse.decode(bytes)
        latencies.push(performance.now() - waiting.get(ID))
        waiting.delete(ID)
        if (TTL === 0) lost++
      },
      () => {
        failed++
        if (!closing) keepOpen(i)
      },
    )
  }
  let closing = false
  for (let i = 0; i < connections; i++) keepOpen(i)
  // Whose turn is next: all have the same period.
  let queue = []
  let sent = 0
  const keepAll = setInterval(() => {
    const now = performance.now()
    let due = 0
    for (; due < queue.length && queue[due].at <= now; due++) {
      const { id, i } = queue[due]
      waiting.set(id, now)
      streams[i].write(LeaseKeepAliveRequest.encode({ ID: id }).finish())
      queue.push({ id, i, at: now + EVERY_MS })
      sent++
    }
    queue = queue.slice(due)
  }, 20)
  const grantedFrom = performance.now()
  let asked = 0
  const lane = async () => {
    while (asked < leases) {
      const id = String(FIRST_ID + asked)
      const i = asked++ % connections
      await grant(sessions[i], id)
      queue.push({ id, i, at: performance.now() + EVERY_MS })
    }
  }
  await Promise.all(Array.from({ length: GRANTS_AT_ONCE }, lane))
  const grantMs = performance.now() - grantedFrom
  console.log(
    `${leases} leases granted to ${connections} connections in ${(grantMs / 1000).toFixed(1)} s, ${retried} asked again`,
  )
  latencies = []
  sent = 0
  failed = 0
  const from = performance.now()
  const cpuFrom = await cpuOf(cluster.pids)
  await new Promise((done) => setTimeout(done, seconds * 1000))
  const ranMs = performance.now() - from
  const cpu = (await cpuOf(cluster.pids)) - cpuFrom
  clearInterval(keepAll)
  closing = true
  while (waiting.size > 0 && performance.now() - from < seconds * 1000 + LATE_MS)
    await new Promise((done) => setTimeout(done, 100))
  const answer = await unary(sessions[0], '/etcdserverpb.Lease/LeaseLeases', list())
  const held = LeaseLeasesResponse.decode(answer).leases.length
  latencies.sort((a, b) => a - b)
  const at = (p) => latencies[Math.min(latencies.length - 1, Math.floor(p * latencies.length))]
  console.log(
    `${sent} keep-alives in ${(ranMs / 1000).toFixed(0)} s (${((sent * 1000) / ranMs).toFixed(0)}/s), ` +
      `answered after p50 ${at(0.5).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, at most ${at(1).toFixed(0)} ms; ` +
      `three nodes use ${((100 * cpu) / ranMs).toFixed(0)} % of a core`,
  )
  console.log(
    `${held} leases in the end; ${lost} lost, ${waiting.size} unanswered, ${failed} streams ended`,
  )
  process.exitCode = lost === 0 && held === leases ? 0 : 1
} finally {
  await cluster.close()
}
process.exit()

/** Of all these processes, in ms. */
async function cpuOf(pids) {
  const { readFile } = await import('node:fs/promises')
  let ticks = 0
  for (const pid of pids) {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * 10
}
