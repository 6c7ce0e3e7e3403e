/**
 * `npm run test:mutants`: each planted bug must be killed by its recorded seed, or by one of the first few, and by the test that is named for
 * it, which is all that some have; one that has neither fails. With --search the seeds are looked for anew, from 1 up, and --write records them;
 * --write alone writes the tables of what is recorded.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { loadMutants } from './catalog.js'
import { type Bench, confirm, search, type Verdict } from './judge.js'
import { type KillerVerdict, runKillerTests } from './killer-tests.js'
import { killersOf } from './killers.js'
import type { Named } from './mutant.js'
import { recordFound, recordTables } from './record.js'
import { totals } from './table.js'
import { Tree } from './tree.js'
import { Baseline } from './trial.js'

const SEARCHED_SEEDS = 5_000

const { values } = parseArgs({
  options: {
    search: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    /** Seeds that nobody chose, a mutant: they decide nothing. */
    fresh: { type: 'string', default: '0' },
    'fault-free': { type: 'boolean', default: true },
    'max-seeds': { type: 'string', default: String(SEARCHED_SEEDS) },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    /** Set by the script that compiles us. */
    repository: { type: 'string', default: process.cwd() },
    mutants: { type: 'string', default: '' },
  },
  allowNegative: true,
})
const { repository } = values
const all = await loadMutants(values.mutants)
const unknown = values.only.filter((name) => !all.some((mutant) => mutant.name === name))
if (unknown.length > 0) {
  console.error(`no such mutant: ${unknown.join(', ')}`)
  process.exit(2)
}
const wanted = all.filter(({ name }) => values.only.length === 0 || values.only.includes(name))
if (values.write && !values.search) {
  recordTables(repository, all)
  process.exit(0)
}
const failed = values.search ? await searchAll() : await confirmAll()
process.exit(failed ? 1 : 0)

async function confirmAll(): Promise<boolean> {
  const killers = killersOf(wanted)
  const awaitTests: Verdict[] = []
  const counts = { passed: 0, failed: 0 }
  const tell = ({ name, line }: Verdict, passed: boolean): void => {
    counts[passed ? 'passed' : 'failed']++
    console.log(`${passed ? 'passed' : 'failed'} ${name}: ${line}`)
  }
  const seeds = eachOf(async (bench, mutant) => {
    const verdict = await confirm(bench, mutant, Number(values.fresh))
    if (killers.some((killer) => killer.mutant === verdict.name)) awaitTests.push(verdict)
    else tell(verdict, verdict.result === 'passed')
  })
  const tests = await runKillerTests(repository, killers, all)
  await seeds
  tellTests(tests)
  for (const verdict of awaitTests) {
    const survives = tests.some(({ killer, killed }) => killer.mutant === verdict.name && !killed)
    tell(verdict, verdict.result !== 'failed' && !survives)
  }
  const broken = wanted.length - counts.passed - counts.failed
  const seconds = Math.round(performance.now() / 1_000)
  console.log(
    `mutants: ${counts.passed} passed, ${counts.failed + broken} failed, 0 skipped; ${seconds} s`,
  )
  return counts.failed + broken > 0
}

function tellTests(verdicts: readonly KillerVerdict[]): void {
  for (const { killer, killed, line } of verdicts)
    console.log(`${killed ? 'passed' : 'failed'} test of ${killer.mutant}: ${line}`)
  const killed = verdicts.filter((one) => one.killed).length
  console.log(`tests: ${killed} passed, ${verdicts.length - killed} failed, 0 skipped`)
}

async function searchAll(): Promise<boolean> {
  const found = new Map<string, Named>()
  await eachOf(async (bench, mutant) => {
    const { line, ...seen } = await search(bench, mutant, {
      seedsMax: Number(values['max-seeds']),
      faultFree: values['fault-free'],
    })
    const now = { ...mutant, ...seen }
    found.set(mutant.name, now)
    console.log(`${mutant.name}: ${line}`)
    if (values.write) recordFound(repository, now)
  })
  const after = all.map((mutant) => found.get(mutant.name) ?? mutant)
  if (values.write) recordTables(repository, after)
  const searched = after.filter(({ name }) => found.has(name))
  const caught = searched.filter(({ seed }) => seed !== null).length
  console.log(totals(searched))
  console.log(`mutants: ${caught} passed, ${wanted.length - caught} failed, 0 skipped`)
  return caught < wanted.length
}

/** Each mutant in its turn, in so many trees at once. One that does not fit is told and counts for nothing. */
async function eachOf(judge: (bench: Bench, mutant: Named) => Promise<void>): Promise<void> {
  const queue = [...wanted]
  const sane = new Tree(repository)
  const baseline = new Baseline(sane.root)
  const lane = async (): Promise<void> => {
    const tree = new Tree(repository)
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        try {
          await judge({ tree, baseline }, next)
        } catch (error) {
          console.log(`failed  ${next.name}: ${error instanceof Error ? error.message : error}`)
        }
      }
    } finally {
      tree.remove()
    }
  }
  const lanes: Promise<void>[] = []
  for (let i = 0; i < Math.min(Number(values.jobs), wanted.length); i++) lanes.push(lane())
  try {
    await Promise.all(lanes)
  } finally {
    baseline.close()
    sane.remove()
  }
}
