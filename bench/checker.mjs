// How often the history checker decides, how fast, and whether it finds what is planted.
//
//   npx tsc -b && node bench/checker.mjs [histories] [operations] [seconds-each]
//
// Histories of correct objects (default 500, of up to 5,000 operations), drawn by seed: five models, 5 to 50 clients,
// 1 to 20 keys, few or unique values (what is appended is always unique), up to a twentieth of the outcomes unknown. Then as many with one anomaly each.
import * as check from '../dist/check/index.js'
import { ANOMALIES, plant } from '../test/support/anomalies.mjs'
import { generate, randomFrom } from '../test/support/histories.mjs'

const histories = Number(process.argv[2] ?? 500)
const operationsMax = Number(process.argv[3] ?? 5_000)
const limitMs = Number(process.argv[4] ?? 10) * 1_000

const models = {
  register: check.register(),
  'cas-register': check.casRegister(),
  kv: check.keyValue(),
  lists: check.keyValue(),
  lock: check.lock(),
  mvcc: check.multiVersion(),
}

function optionsOf(seed, model, unique) {
  const r = randomFrom(seed)
  return {
    seed,
    model,
    operations: Math.ceil(operationsMax * (r.chance(0.5) ? 1 : 0.1 + 0.9 * r.next())),
    processes: r.pick([5, 10, 25, 50]),
    keys: r.pick([1, 5, 10, 20]),
    values: unique ? 'unique' : r.pick([5, 100, 'unique']),
    infoRate: r.pick([0, 0.01, 0.05]),
    failRate: unique ? 0.03 : r.pick([0, 0.05]),
  }
}

function run(events, model) {
  const started = performance.now()
  const result = check.checkLinearizable(events, models[model], {
    stepsMax: Number.MAX_SAFE_INTEGER,
    shouldStop: () => performance.now() - started > limitMs,
    shouldStopShrinking: () => performance.now() - started > limitMs + 10_000,
  })
  return { ...result, ms: performance.now() - started }
}

const times = []
const verdicts = { ok: 0, unknown: 0, violation: 0 }
let operations = 0
for (let i = 0; i < histories; i++) {
  const model = Object.keys(models)[i % 6]
  const options = optionsOf(1_000 + i, model, false)
  const { verdict, ms, operations: count } = run(generate(options), model)
  verdicts[verdict]++
  times.push(ms)
  operations += count
  if (verdict !== 'ok')
    console.log(`${verdict} after ${(ms / 1_000).toFixed(1)} s: ${JSON.stringify(options)}`)
}
times.sort((a, b) => a - b)
const at = (p) => `${(times[Math.floor((times.length - 1) * p)] / 1_000).toFixed(2)} s`
console.log(
  `correct: ${histories} histories, ${operations} operations; ok ${verdicts.ok}, unknown ${verdicts.unknown}, ` +
    `violation ${verdicts.violation}; median ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)}`,
)

const kinds = Object.keys(ANOMALIES)
const found = Object.fromEntries(
  kinds.map((kind) => [kind, { planted: 0, found: 0, unknown: 0, ms: 0, size: 0 }]),
)
for (let i = 0; i < histories; i++) {
  const kind = kinds[i % kinds.length]
  const { model } = ANOMALIES[kind]
  const options = optionsOf(50_000 + i, model, true)
  const events = plant(kind, generate(options), randomFrom(i))
  if (events === null) continue
  const { verdict, ms, counterexample } = run(events, model)
  const row = found[kind]
  row.planted++
  row.ms += ms
  if (verdict === 'violation') row.found++
  if (verdict === 'unknown') row.unknown++
  if (verdict !== 'violation') console.log(`${kind} is ${verdict}: ${JSON.stringify(options)}`)
  row.size += counterexample?.operations.length ?? 0
}
for (const [kind, row] of Object.entries(found))
  console.log(
    `planted ${kind}: ${row.found} of ${row.planted} found, ${row.unknown} unknown; ` +
      `${(row.ms / row.planted / 1_000).toFixed(2)} s, counterexample ${(row.size / row.found).toFixed(1)} operations on average`,
  )
const good =
  verdicts.violation === 0 &&
  verdicts.unknown <= histories / 100 &&
  Object.values(found).every((row) => row.found === row.planted && row.planted > 0)
console.log(`checker: ${good ? 'passed' : 'failed'}`)
process.exit(good ? 0 : 1)
