// How long a three-node cluster takes to serve again after its leader is killed with SIGKILL.
//
//   npx tsc -b && node bench/failover.mjs [runs] [election-timeout-ms]
//
// T is the lower bound of the election timeout (default 1,000 ms). Time counts from the kill to the next
// acknowledged write of a client that keeps trying.
import { Client } from '../dist/client/index.js'
import { startCluster } from './support/cluster.mjs'

const runs = Number(process.argv[2] ?? 20)
const T = Number(process.argv[3] ?? 1_000)
const timing = ['--election-timeout', String(T), '--heartbeat-interval', String(T / 10)]
const cluster = await startCluster(3, timing)
const { names, endpoints } = cluster
const client = new Client({ endpoints, commandTimeoutMs: 20_000, attemptTimeoutMs: 500 })
const times = []
try {
  await put(0)
  for (let run = 1; run <= runs; run++) {
    const leader = await settled()
    const killedAt = performance.now()
    cluster.kill(leader)
    const elected = electedBeside(leader)
    await put(run)
    const took = performance.now() - killedAt
    times.push(took)
    const election = ((await elected) - killedAt).toFixed(0)
    console.log(
      `run ${run}: ${leader} killed, successor after ${election} ms, a write after ${took.toFixed(0)} ms`,
    )
    await new Promise((done) => setTimeout(done, 50))
    cluster.start(leader)
  }
} finally {
  client.close()
  await cluster.close()
}
times.sort((a, b) => a - b)
const at = (p) => times[Math.min(times.length - 1, Math.ceil(p * times.length) - 1)]
const inT = (ms) => `${ms.toFixed(0)} ms (${(ms / T).toFixed(2)} T)`
console.log(
  `failover over ${runs} runs, T ${T} ms: p50 ${inT(at(0.5))}, p95 ${inT(at(0.95))}, max ${inT(at(1))}`,
)
process.exit(at(0.95) <= 2 * T && at(1) <= 4 * T ? 0 : 1)

/** The leader, once all three nodes follow it and have all of its log. */
async function settled() {
  for (;;) {
    const all = await Promise.all(
      endpoints.map((endpoint) => client.status(endpoint, { timeoutMs: 1_000 }).catch(() => null)),
    )
    const leader = all.find((one) => one?.role === 'leader')
    const same = all.every(
      (one) => one !== null && one.leader === leader?.name && one.lastIndex === leader.lastIndex,
    )
    if (leader !== undefined && same) return leader.name
    await new Promise((done) => setTimeout(done, 50))
  }
}

/** When one of the others says that it leads. */
async function electedBeside(killed) {
  const others = endpoints.filter((_, i) => names[i] !== killed)
  for (;;) {
    for (const endpoint of others) {
      const status = await client.status(endpoint, { timeoutMs: 500 }).catch(() => null)
      if (status?.role === 'leader') return performance.now()
    }
    await new Promise((done) => setTimeout(done, 10))
  }
}

async function put(i) {
  for (;;) {
    try {
      await client.put(`run-${i}`, 'x')
      return
    } catch (error) {
      if (error.kind === 'Indeterminate' || error.kind === 'InvalidRequest') throw error
    }
  }
}
