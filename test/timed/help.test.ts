/** So short a time that a test beside it could make it long. */
import { expect, it } from 'vitest'
import { run } from '../unit/cli/run.js'

/** On an idle machine of ours. */
const HELP_MS_MAX = 150
const SLOW_MACHINE = 3

it('--help is quick, names every command, and goes to stdout', async () => {
  const runs = [await run(['--help']), await run(['--help']), await run(['--help'])]
  const [ran] = runs.sort((a, b) => a.ms - b.ms)
  expect(ran!.code).toBe(0)
  expect(ran!.stderr).toBe('')
  for (const name of ['serve', 'dev', 'put', 'get', 'del', 'txn', 'submit', 'status', 'bench'])
    expect(ran!.stdout).toContain(`\n  ${name} `)
  for (const name of ['partition', 'heal', 'transfer-leader', 'wal', 'sim'])
    expect(ran!.stdout).toContain(`\n  ${name} `)
  expect(ran!.ms).toBeLessThan(HELP_MS_MAX * SLOW_MACHINE)
})
