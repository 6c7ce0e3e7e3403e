// `npm run test:mutants`: compiles test/mutants beside the sources, since Node 20 runs no TypeScript, and runs it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const repository = new URL('..', import.meta.url).pathname
const out = mkdtempSync(join(tmpdir(), 'quorate-mutants-run-'))
const run = (args) =>
  spawnSync(process.execPath, args, { cwd: repository, stdio: 'inherit' }).status
try {
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(repository, 'node_modules'), join(out, 'node_modules'))
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  const compiled = run([tsc, '-p', 'test/mutants/tsconfig.json', '--outDir', out])
  const main = [join(out, 'support', 'run.js'), '--repository', repository, '--mutants', out]
  process.exitCode = compiled === 0 ? run([...main, ...process.argv.slice(2)]) : compiled
} finally {
  rmSync(out, { recursive: true, force: true })
}
