// The two that are asked the same: etcd, and Quorate as its drop-in. Both are started with etcd's own flags.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pickPorts } from '../../dist/cli/dev/ports.js'

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js')
const READY_MS_MAX = 30_000
const POLL_MS = 50
/** Until an answer counts as none. */
const ANSWER_MS_MAX = 10_000

export const startEtcd = () => start('etcd', [], 1)
export const startQuorate = (nodes) => start(process.execPath, [MAIN, 'serve'], nodes)

async function start(command, args, nodes) {
  const dir = mkdtempSync(join(tmpdir(), 'quorate-differential-'))
  const ports = await pickPorts(2 * nodes)
  const seats = Array.from({ length: nodes }, (_, i) => ({
    name: `m${i + 1}`,
    client: `http://127.0.0.1:${ports[2 * i]}`,
    peer: `http://127.0.0.1:${ports[2 * i + 1]}`,
  }))
  const cluster = seats.map(({ name, peer }) => `${name}=${peer}`).join(',')
  const children = seats.map(({ name, client, peer }) =>
    spawn(
      command,
      [
        ...args,
        ...['--name', name, '--data-dir', join(dir, name)],
        ...['--listen-client-urls', client, '--advertise-client-urls', client],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
      ],
      { stdio: 'ignore' },
    ),
  )
  // Listened for at once: the event does not wait until its turn has come.
  const spawned = children.map(
    (child) => new Promise((done, fail) => child.once('spawn', done).once('error', fail)),
  )
  const agents = seats.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  const target = {
    ask: (request, turn) => ask(seats[turn % nodes].client, agents[turn % nodes], request),
    alive: () => children.every((child) => child.exitCode === null && child.signalCode === null),
    async close() {
      for (const agent of agents) agent.destroy()
      const running = children.filter((child) => child.exitCode === null)
      const ended = running.map((child) => new Promise((done) => child.once('exit', done)))
      for (const child of running) child.kill('SIGKILL')
      await Promise.all(ended)
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  try {
    await Promise.all(spawned)
    for (const [i, { client }] of seats.entries()) await healthy(client, agents[i])
  } catch (error) {
    await target.close()
    throw new Error(`${command} cannot be started: ${error.message}`)
  }
  return target
}

async function healthy(base, agent) {
  const end = performance.now() + READY_MS_MAX
  for (;;) {
    const page = await fetchText(base, agent, { method: 'GET', path: '/health' }).catch(() => null)
    if (page?.status === 200) return
    if (performance.now() > end) throw new Error(`not healthy within ${READY_MS_MAX} ms`)
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

/** `{ status, lines }`: what was answered, a stream's lines until the one that the request waits for. */
async function ask(base, agent, { path, body, until }) {
  const { status, text } = await fetchText(base, agent, { method: 'POST', path, body, until })
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return { status, lines: lines.map(parse) }
}

function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return { notJson: line }
  }
}

function fetchText(base, agent, { method, path, body, until }) {
  return new Promise((done, fail) => {
    // What is broken off must not be a connection that the next request is given.
    const own = until === undefined ? agent : false
    const request = httpRequest(base + path, { method, agent: own }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
        if (until !== undefined && text.endsWith('\n') && hasCome(text, until)) {
          done({ status: response.statusCode, text })
          request.destroy()
        }
      })
      response.on('end', () => done({ status: response.statusCode, text }))
      response.on('error', fail)
    })
    request.setTimeout(ANSWER_MS_MAX, () => request.destroy(new Error('no answer in time')))
    request.on('error', fail)
    request.end(body)
  })
}

/** The event of this revision, or the end of the watch. */
function hasCome(text, revision) {
  return text.includes(`"mod_revision":"${revision}"`) || text.includes('"canceled":true')
}
