// What a command over PBFT costs in CPU, of all processes together: other work on the machine takes time from a load, and
// hardly changes this. `node bench/pbft-cpu.mjs [names] [seconds] [seconds of warm-up]`, names as in `quorate bench --protocol pbft --only`. Linux.
import { readFileSync } from 'node:fs'
import { BenchCluster } from '../dist/cli/bench/cluster.js'
import { percentile, runLoad } from '../dist/cli/bench/load.js'
import { openLoad, PBFT_SCENARIOS } from '../dist/cli/bench/scenarios.js'

const [names = 'pbft-1-0b,pbft-100-0b,pbft-shared-100-0b', seconds = '4', warmUp = '0'] =
  process.argv.slice(2)
const wanted = names.split(',')
/** Linux counts in 1/100 s for its users, whatever it does inside. */
const US_A_TICK = 10_000

/** µs of user and system time, all threads. */
function cpuOf(pids) {
  let ticks = 0
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks * US_A_TICK
}

function sum(statuses, name) {
  const of = ({ counters }) => counters.find((counter) => counter.name === name)?.value ?? 0
  return statuses.reduce((total, status) => total + of(status), 0)
}

async function measure(scenario) {
  const cluster = await BenchCluster.start(scenario.protocol, null)
  const load = openLoad(scenario, cluster.clientOptions)
  await load.open()
  const { concurrency } = scenario
  const { operation } = load
  if (warmUp !== '0')
    await runLoad({ concurrency, warmUpMs: 0, measureMs: warmUp * 1_000, operation })
  const before = await cluster.status()
  const pids = before.map(({ pid }) => pid)
  const nodes = cpuOf(pids)
  const client = process.cpuUsage()
  const result = await runLoad({
    concurrency,
    warmUpMs: 500,
    measureMs: seconds * 1_000,
    operation,
  })
  const clientUs = process.cpuUsage(client)
  const nodesUs = cpuOf(pids) - nodes
  const after = await cluster.status()
  load.close()
  await cluster.stop()
  const commands = result.acknowledged
  const indices = after[0].commitIndex - before[0].commitIndex
  const anIndex = (name) => (sum(after, name) - sum(before, name)) / indices / after.length
  console.log(
    [
      scenario.name.padEnd(20),
      String(Math.round((result.latenciesMs.length / result.elapsedMs) * 1_000)).padStart(8),
      percentile(result.latenciesMs, 0.5).toFixed(1).padStart(8),
      (nodesUs / commands).toFixed(0).padStart(9),
      ((clientUs.user + clientUs.system) / commands).toFixed(0).padStart(10),
      (commands / indices).toFixed(1).padStart(10),
      anIndex('signatures_verifications').toFixed(1).padStart(10),
      anIndex('wal_syncs').toFixed(1).padStart(8),
    ].join(''),
  )
}

console.log('                     ops/s  p50 ms  us nodes us client  an index  verified   syncs')
for (const scenario of PBFT_SCENARIOS) if (wanted.includes(scenario.name)) await measure(scenario)
