import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { printRecipe, wholeRun } from '../../../src/sim/index.js'
import { run } from './run.js'

const dir = mkdtempSync(join(tmpdir(), 'quorate-small-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('sim --shrink and --recipe', () => {
  it('say so, and exit 0, where nothing fails', async () => {
    const quiet = ['sim', '--seed', '1', '--for', '1s', '--faults', 'none', '--nodes', '1']
    const ran = await run([...quiet, '--shrink'])
    expect([ran.code, ran.stdout]).toEqual([0, 'seed 1 does not fail: nothing to make small\n'])
    const file = join(dir, 'recipe.json')
    writeFileSync(file, printRecipe({ ...wholeRun(1, 1_000), kinds: [], brief: true, nodes: 1 }))
    const replayed = await run(['sim', '--recipe', file])
    expect(replayed.code).toBe(0)
    expect(replayed.stdout).toContain('does not fail')
  })

  it('exit 2 for what they cannot use', async () => {
    const broken = join(dir, 'broken.json')
    writeFileSync(broken, '{ "format": 1 }')
    for (const [args, message] of [
      [['--recipe', broken], 'protocol: unexpected absence'],
      [['--recipe', join(dir, 'none.json')], 'ENOENT'],
      [['--seeds', '1..2', '--shrink'], 'expected one seed'],
      [['--seed', '1', '--shrink', '--diagram', 'a.png'], '.html or .mmd'],
      [['--seed', '1', '--shrink', '--shrink-for', 'soon'], '--shrink-for'],
      [['--seed', '1', '--shrink', '--json'], '--json'],
    ] as const) {
      const ran = await run(['sim', ...args])
      expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(message)])
    }
  })
})
