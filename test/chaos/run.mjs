// `npm run test:chaos -- [--for 10m] [--seed N] [--only NAME]`
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const FOR_MS_MIN = 30_000
const UNITS = { ms: 1, s: 1_000, m: 60_000 }

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: process.env.CHAOS_FOR ?? '10m' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    only: { type: 'string' },
  },
})
const [, number, unit] = /^([0-9]+)(ms|s|m)$/.exec(values.for) ?? []
const forMs = Number(number) * UNITS[unit]
if (!(forMs >= FOR_MS_MIN)) usage(`--for: expected 30s or more, such as 2m, got ${values.for}`)
if (!/^[0-9]{1,15}$/.test(values.seed)) usage(`--seed: expected a whole number, got ${values.seed}`)

console.log(`chaos: ${values.for}, seed ${values.seed}`)
const args = ['run', '--config', join(import.meta.dirname, 'vitest.config.ts')]
if (values.only !== undefined) args.push('-t', values.only)
const run = spawnSync('vitest', args, {
  stdio: 'inherit',
  env: { ...process.env, CHAOS_FOR_MS: String(forMs), CHAOS_SEED: values.seed },
})
if (run.error !== undefined) console.error(String(run.error))
process.exit(run.status ?? 1)

function usage(text) {
  console.error(`chaos: ${text}`)
  process.exit(2)
}
