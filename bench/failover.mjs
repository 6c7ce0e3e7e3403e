// How long a three-node cluster takes to serve again after its leader is killed with SIGKILL.
//
//   npx tsc -b && node bench/failover.mjs [runs] [election-timeout-ms]
//
// T is the lower bound of the election timeout (default 1,000 ms). Time counts from the kill to the next
// acknowledged write of a client that keeps trying.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Client } from '../dist/client/index.js'

const runs = Number(process.argv[2] ?? 20)
const T = Number(process.argv[3] ?? 1_000)
const main = resolve(import.meta.dirname, '../dist/cli/main.js')
const root = await mkdtemp(join(tmpdir(), 'quorate-failover-'))
const ports = await freePorts(6)
const names = ['n1', 'n2', 'n3']
const cluster = names.map((name, i) => `${name}=http://127.0.0.1:${ports[2 * i + 1]}`).join(',')
const endpoints = names.map((_, i) => `127.0.0.1:${ports[2 * i]}`)
const children = new Map()

for (const name of names) start(name)
const client = new Client({ endpoints, commandTimeoutMs: 20_000, attemptTimeoutMs: 500 })
const times = []
try {
  await put(0)
  for (let run = 1; run <= runs; run++) {
    const leader = await settled()
    const killedAt = performance.now()
    children.get(leader).kill('SIGKILL')
    const elected = electedBeside(leader)
    await put(run)
    const took = performance.now() - killedAt
    times.push(took)
    const election = ((await elected) - killedAt).toFixed(0)
    console.log(
      `run ${run}: ${leader} killed, successor after ${election} ms, a write after ${took.toFixed(0)} ms`,
    )
    await new Promise((done) => setTimeout(done, 50))
    start(leader)
  }
} finally {
  client.close()
  for (const child of children.values()) child.kill('SIGKILL')
  await rm(root, { recursive: true, force: true })
}
times.sort((a, b) => a - b)
const at = (p) => times[Math.min(times.length - 1, Math.ceil(p * times.length) - 1)]
const inT = (ms) => `${ms.toFixed(0)} ms (${(ms / T).toFixed(2)} T)`
console.log(
  `failover over ${runs} runs, T ${T} ms: p50 ${inT(at(0.5))}, p95 ${inT(at(0.95))}, max ${inT(at(1))}`,
)
process.exit(at(0.95) <= 2 * T && at(1) <= 4 * T ? 0 : 1)

function start(name) {
  const i = names.indexOf(name)
  const child = spawn(
    process.execPath,
    [
      main,
      'serve',
      ...['--name', name, '--data-dir', join(root, name), '--initial-cluster', cluster],
      ...['--listen-client-urls', `http://127.0.0.1:${ports[2 * i]}`],
      ...['--listen-peer-urls', `http://127.0.0.1:${ports[2 * i + 1]}`],
      ...['--election-timeout', String(T), '--heartbeat-interval', String(T / 10)],
    ],
    { stdio: 'ignore' },
  )
  children.set(name, child)
}

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

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((done) => {
          const server = createServer().listen(0, '127.0.0.1', () => done(server))
        }),
    ),
  )
  const found = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return found
}
