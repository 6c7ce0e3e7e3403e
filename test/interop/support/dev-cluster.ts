/** A cluster that `quorate dev` runs, as a person would; it starts a node again that is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAIN } from '../../process/support/cluster.js'
import type { Target } from './targets.js'

const READY_MS_MAX = 40_000

/** `dir`: where its files are. */
export async function startDev(
  protocol: string,
  nodes: number,
): Promise<Target & { readonly dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'quorate-interop-'))
  const flags = ['--protocol', protocol, '--nodes', String(nodes), '--base-port', '0']
  const child = spawn(process.execPath, [MAIN, 'dev', ...flags, '--data-dir', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString()
    child.emit('told')
  })
  const close = async () => {
    await stop(child)
    await rm(dir, { recursive: true, force: true })
  }
  const signal = AbortSignal.timeout(READY_MS_MAX)
  try {
    while (!told.includes('data in ')) await once(child, 'told', { signal })
  } catch {
    await close()
    throw new Error(`quorate dev --protocol ${protocol} is not ready: ${told}`)
  }
  const rows = [...told.matchAll(/^ {2}(n\d+) {2}(\S+) {2}pid (\d+)$/gm)]
  return {
    dir,
    endpoints: rows.map(([, , endpoint = '']) => endpoint),
    kill: async (i) => process.kill(pidOf(told, `n${i + 1}`), 'SIGKILL') && undefined,
    // By itself.
    revive: async () => {},
    close,
  }
}

/** As it was told last. */
function pidOf(told: string, name: string): number {
  const lines = told.matchAll(new RegExp(`${name}(?: {2}\\S+ {2}| started again, )pid (\\d+)`, 'g'))
  return Number([...lines].at(-1)?.[1])
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
