// `npm run build && node bench/etcd-go.mjs [ROUNDS]`: Put through etcd's own Go client, 100 clients over all three
// endpoints, on a three-node etcd and on Quorate alternately. Two rounds more come first and do not count: until then
// Node has not compiled what is hot. Needs Debian's golang-go, golang-etcd-server-dev, etcd-server.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchCluster } from '../dist/cli/bench/cluster.js'
import { EtcdCluster } from '../dist/cli/bench/etcd-cluster.js'
import { buildGoClient, runGoClient } from './support/go-client.mjs'

const WARM_UP_ROUNDS = 2
const rounds = Number(process.argv[2] ?? 3)
const dir = mkdtempSync(join(tmpdir(), 'quorate-go-'))
const program = buildGoClient(dir)
const etcd = await EtcdCluster.start()
const quorate = await BenchCluster.start('raft', null)
const results = { etcd: [], quorate: [] }
try {
  for (let round = 1 - WARM_UP_ROUNDS; round <= rounds; round++)
    for (const [name, cluster] of Object.entries({ etcd, quorate })) {
      const seen = await runGoClient(program, cluster.endpoints)
      if (round > 0) results[name].push(seen)
      console.log(`${round} ${name.padEnd(8)} ${JSON.stringify(seen)}`)
    }
} finally {
  await quorate.stop()
  await etcd.close()
  rmSync(dir, { recursive: true, force: true })
}
const best = (name) => Math.max(...results[name].map((one) => one.opsPerSecond))
const median = (name) => {
  const sorted = results[name].map((one) => one.opsPerSecond).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
console.log(
  JSON.stringify({
    results,
    ratioOfMedians: Number((median('quorate') / median('etcd')).toFixed(2)),
    ratioOfBest: Number((best('quorate') / best('etcd')).toFixed(2)),
  }),
)
