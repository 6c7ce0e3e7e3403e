/** `quorate dev` as a person uses it: one command, three processes, and what the README says to try. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFailed } from 'vitest'
import { freePorts } from '../support/ports.js'
import { MAIN, quorate } from './support/cluster.js'

interface Dev {
  readonly child: ChildProcess
  readonly output: () => string
  /** Resolves with the first line that matches; rejects if the cluster ends without one. */
  line(pattern: RegExp): Promise<string>
  readonly exit: Promise<number | null>
}

function startDev(args: readonly string[]): Dev {
  const child = spawn(process.execPath, [MAIN, 'dev', ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let text = ''
  const waiting = new Set<() => void>()
  const take = (chunk: Buffer) => {
    text += chunk.toString()
    for (const look of [...waiting]) look()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  onTestFailed(() => console.error(text))
  return {
    child,
    output: () => text,
    exit: new Promise((done) => child.once('exit', done)),
    line: (pattern) =>
      new Promise((done, fail) => {
        child.once('close', () => fail(new Error(`ended without a line like ${pattern}: ${text}`)))
        const look = () => {
          const found = text.split('\n').find((line) => pattern.test(line))
          if (found === undefined) return
          waiting.delete(look)
          done(found)
        }
        waiting.add(look)
        look()
      }),
  }
}

interface Row {
  readonly name: string
  readonly pid: number
  readonly role: string
  readonly term: number
  readonly leader: string | null
  readonly stateHash: string
  readonly blocked: readonly string[]
}

it('starts, serves, is cut and healed, restarts what dies, stops cleanly, and finds its data again', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quorate-dev-'))
  // Three nodes, ten ports apart, of two ports each.
  const [base] = await freePorts(22)
  const flags = ['--data-dir', join(dir, 'data'), '--base-port', String(base)]
  let dev = startDev(flags)
  try {
    await dev.line(/^quorate: cluster ready/)
    const { nodes } = JSON.parse(await readFile(join(dir, 'data', 'cluster.json'), 'utf8')) as {
      nodes: { name: string; clientPort: number }[]
    }
    const endpoints = nodes.map((node) => `127.0.0.1:${node.clientPort}`)
    const at = ['--endpoints', endpoints.join(',')]
    const status = async () =>
      JSON.parse((await quorate(['status', '--json', ...at])).stdout) as Row[]

    expect(await quorate(['put', 'hello', 'world', ...at])).toMatchObject({
      code: 0,
      stdout: 'OK\n',
    })
    expect((await quorate(['get', 'hello', ...at])).stdout).toBe('hello\nworld\n')
    expect(await quorate(['get', 'nobody', ...at])).toMatchObject({ code: 0, stdout: '' })

    // The leader is cut off; the majority goes on; after the heal all are equal again.
    const leader = (await status()).find((row) => row.role === 'leader')!.name
    const rest = nodes.map((node) => node.name).filter((name) => name !== leader)
    expect((await quorate(['partition', leader, rest.join(','), ...at])).code).toBe(0)
    expect((await quorate(['put', 'k', 'v', '--command-timeout', '15s', ...at])).code).toBe(0)
    const cut = await status()
    expect(cut.find((row) => row.name === leader)!.blocked.toSorted()).toEqual(rest)
    expect((await quorate(['heal', ...at])).code).toBe(0)

    // A killed node comes back, and says so.
    const victim = (await status())[0]!
    process.kill(victim.pid, 'SIGKILL')
    await dev.line(new RegExp(`${victim.name} started again`))
    await until(async () => {
      const rows = await status()
      const hashes = new Set(rows.map((row) => row.stateHash))
      return hashes.size === 1 && rows.every((row) => row.role !== undefined) ? rows : null
    })

    const stoppedAt = performance.now()
    dev.child.kill('SIGINT')
    expect(await dev.exit).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(3_000)

    // A second start, without flags but where its data is, finds all of it again.
    dev = startDev(['--data-dir', join(dir, 'data')])
    await dev.line(/^quorate: cluster ready/)
    expect((await quorate(['get', 'k', ...at])).stdout).toBe('k\nv\n')
    dev.child.kill('SIGTERM')
    expect(await dev.exit).toBe(0)

    const other = await quorate(['dev', '--data-dir', join(dir, 'data'), '--nodes', '5'])
    expect(other.code).toBe(2)
    expect(other.stderr).toMatch(/a cluster of 3/)
  } finally {
    dev.child.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  }
})

async function until<T>(ask: () => Promise<T | null>): Promise<T> {
  const end = Date.now() + 30_000
  for (;;) {
    const answer = await ask().catch(() => null)
    if (answer !== null) return answer
    if (Date.now() > end) throw new Error('waited 30 s')
    await new Promise((done) => setTimeout(done, 50))
  }
}
