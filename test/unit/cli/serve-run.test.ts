/** `quorate serve` as a process: its signals, its log, and what it refuses. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { freePorts } from '../../support/ports.js'
import { MAIN, run } from './run.js'

const root = mkdtempSync(join(tmpdir(), 'quorate-serve-'))
const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))

interface Served {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  readonly lines: () => Record<string, unknown>[]
}

function flags(dir: string, [client, peer]: readonly number[]): string[] {
  return [
    ...['serve', '--name', 'a', '--data-dir', join(root, dir)],
    ...['--listen-client-urls', `http://127.0.0.1:${client}`],
    ...['--listen-peer-urls', `http://127.0.0.1:${peer}`],
    ...['--initial-cluster', `a=http://127.0.0.1:${peer}`],
  ]
}

/** Resolves once it listens. */
async function listening(child: ChildProcess): Promise<Served> {
  running.push(child)
  let text = ''
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  await new Promise<void>((done, fail) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('"msg":"listening"')) done()
    })
    void ended.then((code) => fail(new Error(`ended with ${code}: ${text}`)))
  })
  const lines = () =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { child, ended, lines }
}

const stdio = ['ignore', 'ignore', 'pipe'] as const

describe('serve', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops clean on %s, in JSON lines', async (signal) => {
    const args = flags(signal, await freePorts(2))
    const node = await listening(spawn(process.execPath, [MAIN, ...args], { stdio: [...stdio] }))
    node.child.kill(signal)
    expect(await node.ended).toBe(0)
    const messages = node.lines().map((line) => line.msg)
    expect(messages).toContain('stopping')
    expect(messages.at(-1)).toBe('stopped')
    expect(node.lines().every((line) => line.node === 'a')).toBe(true)
  })

  it('ends with its parent', async () => {
    const args = flags('parent', await freePorts(2))
    const child = fork(MAIN, args, { stdio: [...stdio, 'ipc'], execArgv: [] })
    const node = await listening(child)
    child.disconnect()
    expect(await node.ended).toBe(0)
  })

  it('refuses a locked directory with 7 and a taken port with 2', async () => {
    const ports = await freePorts(4)
    const first = flags('locked', ports.slice(0, 2))
    await listening(spawn(process.execPath, [MAIN, ...first], { stdio: [...stdio] }))
    const locked = await run(flags('locked', ports.slice(2)))
    expect(locked.code).toBe(7)
    expect(locked.stderr).toMatch(/quorate: .*locked.*\n$/)
    const taken = await run(flags('other', ports.slice(0, 2)))
    expect(taken.code).toBe(2)
    expect(taken.stderr).toMatch(/quorate: .*port.*\n$/)
    for (const ran of [locked, taken]) expect(ran.stderr).not.toMatch(/\n\s+at /)
  })
})
