// `npm run check`: reads only. Types, lint and format, walls between folders, generated code, dead code, package shape.
import { spawnSync } from 'node:child_process'

const steps = [
  ['types', 'tsc', ['-b']],
  ['types of tests', 'tsc', ['-p', 'tsconfig.test.json']],
  ['lint and format', 'biome', ['check', '--error-on-warnings', '.']],
  ['walls', process.execPath, ['scripts/walls.mjs']],
  ['generated code', process.execPath, ['scripts/gen.mjs', '--check']],
  ['dead code', 'knip', []],
  ['package', 'publint', ['--strict']],
]
let failed = 0
for (const [name, command, args] of steps) {
  const started = performance.now()
  const run = spawnSync(command, args, { encoding: 'utf8', shell: false })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const ok = run.status === 0
  if (!ok) failed++
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (!ok) console.log(`${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}`)
}
console.log(`check: ${steps.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
