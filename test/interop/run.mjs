// `npm run test:interop -- [FILES...]`: other people's clients against Quorate. Installs them where they are missing.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian's package, and a program or a file by which one knows that it is there. */
const NEEDED = [
  ['etcd-client', 'etcdctl'],
  ['etcd-server', 'etcd'],
  ['postgresql', 'pg_ctlcluster'],
  ['patroni', 'patroni'],
  // What Patroni's drivers for etcd are built on.
  ['python3-etcd', '/usr/lib/python3/dist-packages/etcd/__init__.py'],
]

const missing = NEEDED.filter(([, program]) => !installed(program)).map(([name]) => name)
if (missing.length > 0) {
  console.log(`interop: installing ${missing.join(' ')}`)
  run('apt-get', ['update', '-q'])
  run('apt-get', ['install', '-qy', '--no-install-recommends', ...missing])
}
const config = join(import.meta.dirname, 'vitest.config.ts')
run('vitest', ['run', '--config', config, ...process.argv.slice(2)])

function installed(program) {
  if (program.startsWith('/')) return existsSync(program)
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => existsSync(join(folder, program)))
}

/** Ends with the program's exit code when it fails: a suite whose tool is missing fails, it is not skipped. */
function run(program, args) {
  const ran = spawnSync(program, args, { stdio: 'inherit' })
  if (ran.error !== undefined) console.error(`interop: ${program}: ${ran.error.message}`)
  if (ran.status !== 0) {
    if (program !== 'vitest') console.log('interop: 0 passed, 1 failed, 0 skipped')
    process.exit(ran.status ?? 1)
  }
}
