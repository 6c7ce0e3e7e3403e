// etcd's own Go client as a load. Needs Debian's golang-go and golang-etcd-server-dev.
import { execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'

/** Gives the program's path, within `dir`. */
export function buildGoClient(dir) {
  const program = join(dir, 'put')
  execFileSync('go', ['build', '-o', program, join(import.meta.dirname, '../etcd-go/put.go')], {
    // Debian's sources of etcd's client, as they are installed.
    env: { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode' },
    stdio: 'inherit',
  })
  return program
}

/** Put, in a closed loop. Gives what it counted: operations a second, ms, errors. */
export function runGoClient(program, endpoints, { clients = 100, seconds = 5 } = {}) {
  return new Promise((resolve, reject) => {
    const words = ['-endpoints', endpoints.join(','), '-clients', clients, '-for', `${seconds}s`]
    const child = spawn(program, words.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`exit ${code}`)),
    )
  })
}
