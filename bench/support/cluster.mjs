// A cluster of real processes on loopback, for benches.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pickPorts } from '../../dist/cli/dev/ports.js'

const main = resolve(import.meta.dirname, '../../dist/cli/main.js')

/** `node`: arguments of each node's own process, ahead of the program. */
export async function startCluster(nodes, flags = [], node = []) {
  const root = await mkdtemp(join(tmpdir(), 'quorate-bench-'))
  const ports = await pickPorts(2 * nodes)
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
  const peers = names.map((name, i) => `${name}=http://127.0.0.1:${ports[2 * i + 1]}`)
  const children = new Map()
  const start = (name) => {
    const i = names.indexOf(name)
    const args = [
      ['--name', name],
      ['--data-dir', join(root, name)],
      ['--listen-client-urls', `http://127.0.0.1:${ports[2 * i]}`],
      ['--listen-peer-urls', `http://127.0.0.1:${ports[2 * i + 1]}`],
      ['--initial-cluster', peers.join(',')],
    ]
    const serve = [...node, main, 'serve', ...args.flat(), ...flags]
    children.set(name, spawn(process.execPath, serve, { stdio: 'ignore' }))
  }
  for (const name of names) start(name)
  return {
    names,
    endpoints: names.map((_, i) => `127.0.0.1:${ports[2 * i]}`),
    pids: [...children.values()].map((child) => child.pid),
    /** Once more, on its data. */
    start,
    kill: (name) => children.get(name).kill('SIGKILL'),
    /** As an operator would: each ends in its own time. */
    stop: async () => {
      const all = [...children.values()]
      const ended = all.map((child) => new Promise((done) => child.once('exit', done)))
      for (const child of all) child.kill('SIGTERM')
      await Promise.all(ended)
    },
    close: async () => {
      for (const child of children.values()) child.kill('SIGKILL')
      await rm(root, { recursive: true, force: true })
    },
  }
}
