// `npm run test:twins -- [--count N] [--from N] [--pairs 2] [--jobs N] [--scenario TEXT]`: scenarios of Twins (docs/twins.md).
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import {
  numbersOf,
  parseScenario,
  play,
  printScenario,
  scenarioOf,
} from '../../dist/sim/twins/index.js'

/** Coprime to the sizes of the spaces: consecutive numbers are far apart in them, and none comes twice. */
const STRIDE = 1_000_003_739n
const FAILURES_SHOWN = 5
/** With two replicas of four compromised the promises are broken: that is to be seen, or nothing here sees anything. */
const BEYOND_F = 400
const SLICE = 100

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    from: { type: 'string', default: '0' },
    pairs: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    scenario: { type: 'string' },
  },
})
if (process.send !== undefined) child()
else if (values.scenario !== undefined) replay(values.scenario)
else await all()

/** One scenario, told line by line. */
function replay(text) {
  const scenario = parseScenario(text)
  if (typeof scenario === 'string') {
    console.error(`twins: --scenario: ${scenario}`)
    process.exit(2)
  }
  const { violation, trace } = play(scenario, { trace: true })
  for (const line of trace) console.log(line)
  if (violation !== null) console.log(`FAILED: ${violation.invariant}: ${violation.message}`)
  else console.log('nothing was broken')
  process.exitCode = violation === null ? 0 : 1
}

async function all() {
  const [count, from, pairs, jobs] = ['count', 'from', 'pairs', 'jobs'].map(wholeNumber)
  const began = performance.now()
  const total = await shared({ count, from, pairs }, jobs)
  for (const { text, violation } of total.failures.slice(0, FAILURES_SHOWN)) {
    console.log(`FAILED: ${violation.invariant}: ${violation.message}`)
    console.log(`  npm run test:twins -- --scenario '${text}'`)
  }
  const kinds = [...total.kinds].map(([kind, times]) => `${kind} ${times}`)
  if (kinds.length > 0) console.log(`violations: ${kinds.join(', ')}`)
  console.log(
    `${total.passed + total.failed} scenarios in ${((performance.now() - began) / 1000).toFixed(0)} s; ` +
      `${total.mutated} with a message changed on its way; ` +
      `${(total.executed / (total.passed + total.failed)).toFixed(2)} indices executed in the rounds of one`,
  )
  let { failed } = total
  if (total.mutated === 0 || total.executed === 0) failed++
  if (pairs === 1) {
    const beyond = await shared({ count: BEYOND_F, from, pairs: 2 }, jobs)
    console.log(
      `with two pairs of twins ${beyond.failed} of ${BEYOND_F} scenarios break a promise, as they must`,
    )
    if (beyond.failed === 0) failed++
  }
  console.log(`twins: ${total.passed} passed, ${failed} failed, 0 skipped`)
  process.exitCode = failed === 0 ? 0 : 1
}

function wholeNumber(name) {
  if (/^[0-9]{1,12}$/.test(values[name])) return Number(values[name])
  console.error(`twins: --${name}: expected a whole number, got ${values[name]}`)
  return process.exit(2)
}

/** Numbers are counted without those that another stands for. Half of them have a mutation in flight. */
async function shared({ count, from, pairs }, jobs) {
  const total = { passed: 0, failed: 0, mutated: 0, executed: 0, failures: [], kinds: new Map() }
  const slices = []
  for (let at = from; at < from + count; at += SLICE)
    slices.push({ at, count: Math.min(SLICE, from + count - at), pairs })
  const work = () =>
    new Promise((resolve, reject) => {
      const worker = fork(import.meta.filename)
      worker.on('error', reject)
      worker.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`)),
      )
      const next = () => (slices.length > 0 ? worker.send(slices.shift()) : worker.disconnect())
      worker.on('message', (part) => {
        for (const name of ['passed', 'failed', 'mutated', 'executed']) total[name] += part[name]
        total.failures.push(...part.failures)
        for (const { violation } of part.failures)
          total.kinds.set(violation.invariant, 1 + (total.kinds.get(violation.invariant) ?? 0))
        next()
      })
      next()
    })
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, work))
  return total
}

function child() {
  process.on('message', ({ at, count, pairs }) => {
    const part = { passed: 0, failed: 0, mutated: 0, executed: 0, failures: [] }
    for (let number = at; number < at + count; number++) {
      const scenario = numbered(number, pairs)
      const { violation, executed, mutations } = play(scenario)
      part.executed += executed
      if (mutations > 0) part.mutated++
      if (violation === null) part.passed++
      else part.failures.push({ text: printScenario(scenario), violation })
    }
    part.failed = part.failures.length
    process.send(part)
  })
  process.on('disconnect', () => process.exit(0))
}

/** The scenario itself, or the next one that stands for more than another. */
function numbered(number, pairs) {
  const space = { pairs, mutated: number % 2 === 1 }
  const size = BigInt(numbersOf(space))
  for (let place = Number((BigInt(number) * STRIDE) % size); ; place = (place + 1) % Number(size)) {
    const scenario = scenarioOf(place, space)
    if (scenario !== null) return scenario
  }
}
