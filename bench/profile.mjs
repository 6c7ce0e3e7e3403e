// Where the time of a request goes: CPU of each node of a cluster of three, by what it was spent on.
//
//   npx tsc -b && node bench/profile.mjs [put|range] [clients] [seconds] [--go] [--keep DIR]
//
// By EtcdClient, or with --go by etcd's own Go client (put only; bench/etcd-go.mjs says what that needs). --keep
// leaves the profiles there, for Chrome's tools.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EtcdClient } from '../dist/client/etcd/client.js'
import { startCluster } from './support/cluster.mjs'
import { buildGoClient, runGoClient } from './support/go-client.mjs'
import { partOf } from './support/profile-parts.mjs'

const words = process.argv.slice(2)
const keepAt = words.indexOf('--keep')
const kept = keepAt < 0 ? null : words.splice(keepAt, 2)[1]
const go = words.includes('--go')
const [work = 'put', clientsText = '100', secondsText = '5'] = words.filter((one) => one !== '--go')
const clients = Number(clientsText)
const seconds = Number(secondsText)
const dir = mkdtempSync(join(tmpdir(), 'quorate-profile-'))
const profiles = kept ?? join(dir, 'profiles')

const program = go ? buildGoClient(dir) : null
const args = ['--cpu-prof', `--cpu-prof-dir=${profiles}`, '--cpu-prof-interval=500']
const cluster = await startCluster(3, [], args)
let done = 0
try {
  const each = cluster.endpoints.map((endpoint) => new EtcdClient({ endpoints: [endpoint] }))
  for (const client of each) await client.put('warm', 'x', { timeoutMs: 20_000 })
  if (program !== null) {
    const seen = await runGoClient(program, cluster.endpoints, { clients, seconds })
    done = seen.opsPerSecond * seconds
    console.log(`the Go client: ${JSON.stringify(seen)}`)
  } else {
    const value = new Uint8Array(256).fill(0x76)
    const ends = performance.now() + seconds * 1000
    const worker = async (n) => {
      const client = each[n % each.length]
      while (performance.now() < ends) {
        if (work === 'put') await client.put(`profile/${n}/${done}`, value)
        else await client.range('warm')
        done++
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, n) => worker(n)))
    console.log(`EtcdClient: ${Math.round(done / seconds)} a second`)
  }
  for (const client of each) client.close()
  await cluster.stop()
  report(done)
} finally {
  await cluster.close()
  rmSync(dir, { recursive: true, force: true })
}
process.exit()

/** Microseconds of each node's CPU for each request that any of them was asked. */
function report(requests) {
  const nodes = readdirSync(profiles).map((name) =>
    tally(JSON.parse(readFileSync(join(profiles, name), 'utf8'))),
  )
  const total = new Map()
  for (const node of nodes)
    for (const [part, us] of node) total.set(part, (total.get(part) ?? 0) + us)
  const all = [...total.values()].reduce((sum, us) => sum + us, 0)
  console.log(`µs of CPU a request, of ${requests}; all three nodes, then each:`)
  for (const [part, us] of [...total].sort((a, b) => b[1] - a[1])) {
    if (us / all < 0.005) continue
    const cells = nodes.map((node) => ((node.get(part) ?? 0) / requests).toFixed(1).padStart(7))
    const share = `${((100 * us) / all).toFixed(0)} %`.padStart(5)
    console.log(`${(us / requests).toFixed(1).padStart(7)} ${share} ${cells.join('')}  ${part}`)
  }
  console.log(`${(all / requests).toFixed(1).padStart(7)}  in all`)
}

function tally({ nodes, samples, timeDeltas }) {
  const part = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]))
  const spent = new Map()
  for (let i = 0; i < samples.length; i++) {
    const of = part.get(samples[i])
    if (of === null) continue
    spent.set(of, (spent.get(of) ?? 0) + timeDeltas[i])
  }
  return spent
}
