// `node test/twins/mutants.mjs [--only NAME] [--count N]`: which of the bugs that small worlds find Twins finds as well.
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PBFT_MUTANTS } from '../worlds/pbft-mutants.mjs'
import { asOne, withTree } from '../worlds/planting.mjs'

/** To speak to both halves at once, and to say one thing twice, is what twins do; proofs that are forged they never have. */
const EXPECTED = [
  'second-proposal-accepted',
  'prepares-keyed-without-digest',
  'commits-keyed-without-digest',
  'quorum-of-f+1',
  'prepared-set-missing',
]

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    count: { type: 'string', default: '2000' },
  },
})
let missed = 0
await withTree((tree) => {
  cpSync(import.meta.dirname, join(tree.root, 'test/twins'), { recursive: true })
  console.log('| bug | of the scenarios break a promise | which |')
  console.log('|---|---:|---|')
  for (const bug of PBFT_MUTANTS) {
    if (values.only.length > 0 && !values.only.includes(bug.name)) continue
    tree.plant(asOne(bug))
    const args = ['test/twins/run.mjs', '--count', values.count]
    const run = spawnSync(process.execPath, args, { cwd: tree.root, encoding: 'utf8' })
    const [, failed] = /(\d+) failed, 0 skipped\n$/.exec(run.stdout) ?? []
    if (failed === undefined) throw new Error(`${bug.name}: ${run.stdout}${run.stderr}`)
    const which = /violations: (.*)/.exec(run.stdout)?.[1] ?? ''
    console.log(`| ${bug.name} | ${failed} of ${values.count} | ${which} |`)
    if (failed === '0' && EXPECTED.includes(bug.name)) missed++
  }
})
process.exitCode = missed === 0 ? 0 : 1
