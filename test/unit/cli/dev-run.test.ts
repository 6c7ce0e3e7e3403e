/** `quorate dev` as a person runs it, with one node so that it is quick. Whole clusters are tested elsewhere. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { MAIN, run } from './run.js'

const root = mkdtempSync(join(tmpdir(), 'quorate-dev-run-'))
const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))

const STOP_MS_MAX = 800
const SLOW_MACHINE = 4

class Dev {
  readonly child: ChildProcess
  readonly #waiting: { text: string; done: () => void }[] = []
  readonly ended: Promise<number | null>
  out = ''

  constructor(...args: string[]) {
    const child = spawn(process.execPath, [MAIN, 'dev', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    running.push(child)
    const hear = (chunk: Buffer) => {
      this.out += chunk.toString()
      for (const one of this.#waiting) if (this.out.includes(one.text)) one.done()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    this.ended = new Promise((done) => child.once('exit', (code) => done(code)))
  }

  async until(text: string): Promise<void> {
    if (this.out.includes(text)) return
    const heard = new Promise<void>((done) => this.#waiting.push({ text, done }))
    const early = this.ended.then((code) => {
      throw new Error(`dev ended with ${code} before it said ${text}:\n${this.out}`)
    })
    await Promise.race([heard, early])
  }

  pid(name: string): number {
    const said = [...this.out.matchAll(new RegExp(`${name} .*pid (\\d+)`, 'g'))].at(-1)
    return Number(said?.[1])
  }
}

function endpoint(dir: string): string {
  const { nodes } = JSON.parse(readFileSync(join(dir, 'cluster.json'), 'utf8'))
  return `127.0.0.1:${nodes[0].clientPort}`
}

async function stop(dev: Dev, signal: NodeJS.Signals): Promise<void> {
  const began = performance.now()
  dev.child.kill(signal)
  expect(await dev.ended).toBe(0)
  expect(performance.now() - began).toBeLessThan(STOP_MS_MAX * SLOW_MACHINE)
}

describe('dev', () => {
  it('serves, mends a dead node, stops clean, and finds its data again', async () => {
    const dir = join(root, 'one')
    const first = new Dev('--nodes', '1', '--base-port', '0', '--data-dir', dir)
    await first.until('quorate: cluster ready: 1 node on raft, n1 leads')
    await first.until('quorate status --endpoints')
    const at = ['--endpoints', endpoint(dir)]
    expect(await run(['put', 'k', 'v', ...at])).toMatchObject({ code: 0, stdout: 'OK\n' })
    const pid = first.pid('n1')
    process.kill(pid, 'SIGKILL')
    await first.until('n1 died (SIGKILL); starting it again in 500 ms')
    await first.until('n1 started again')
    expect(first.pid('n1')).not.toBe(pid)
    await first.until('quorate: n1 leads (term')
    expect(await run(['get', 'k', ...at])).toMatchObject({ stdout: 'k\nv\n' })
    await stop(first, 'SIGINT')
    expect(() => process.kill(first.pid('n1'), 0)).toThrow()

    const second = new Dev('--data-dir', dir)
    await second.until('quorate: cluster ready: 1 node')
    expect(['--endpoints', endpoint(dir)]).toEqual(at)
    expect(await run(['get', 'k', ...at])).toMatchObject({ stdout: 'k\nv\n' })
    const other = await run(['dev', '--nodes', '3', '--data-dir', dir])
    expect(other).toMatchObject({ code: 2 })
    const twin = await run(['dev', '--data-dir', dir])
    expect(twin.code).toBe(2)
    expect(twin.stderr).toContain('is taken')
    await stop(second, 'SIGTERM')
    expect(existsSync(join(dir, 'n1', 'quorate.log'))).toBe(true)
    const verified = await run(['wal', 'verify', join(dir, 'n1')])
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^OK: /) })
  })

  it('leaves a dead node dead when told to, and ends when none is left', async () => {
    const dir = join(root, 'left')
    const dev = new Dev('--nodes', '1', '--base-port', '0', '--data-dir', dir, '--no-restart')
    await dev.until('cluster ready')
    await dev.until('quorate status --endpoints')
    process.kill(dev.pid('n1'), 'SIGKILL')
    await dev.until('n1 ended (SIGKILL); it stays down')
    expect(await dev.ended).toBe(1)
  })

  it('takes its children along when it is killed', async () => {
    const dir = join(root, 'killed')
    const dev = new Dev('--nodes', '1', '--base-port', '0', '--data-dir', dir)
    await dev.until('cluster ready')
    await dev.until('quorate status --endpoints')
    const pid = dev.pid('n1')
    dev.child.kill('SIGKILL')
    await dev.ended
    const alive = () => {
      try {
        process.kill(pid, 0)
        return true
      } catch {
        return false
      }
    }
    const end = performance.now() + 10_000
    while (alive() && performance.now() < end) await new Promise((done) => setTimeout(done, 20))
    expect(alive()).toBe(false)
  })
})
