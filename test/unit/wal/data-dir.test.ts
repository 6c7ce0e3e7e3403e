import { spawn } from 'node:child_process'
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { DataDir, type Owner } from '../../../src/node/data-dir.js'
import { DATA_REFUSED, NodeError } from '../../../src/node/errors.js'

const OWNER = { clusterId: 'c1', nodeId: 'n1', protocol: 'raft' } as const
const made: string[] = []
const opened: DataDir[] = []

/** Closed after the test, however it ends: the lock is this process's. */
async function open(path: string): Promise<DataDir> {
  const dir = await DataDir.open(path, OWNER)
  opened.push(dir)
  return dir
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'quorate-dir-'))
  made.push(path)
  return join(path, 'n1')
}

afterEach(async () => {
  for (const dir of opened.splice(0)) await dir.close()
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

async function refusal(path: string, owner: Owner = OWNER): Promise<NodeError> {
  const result = await DataDir.open(path, owner).catch((error: unknown) => error)
  if (result instanceof DataDir) await result.close()
  if (!(result instanceof NodeError)) throw new Error(`it was not refused: ${result}`)
  expect(result.exitCode).toBe(DATA_REFUSED)
  expect(result.message.split('\n')).toHaveLength(1)
  return result
}

describe('a data directory', () => {
  it('is made for its owner alone, with a uid of its own, and is found again', async () => {
    const path = folder()
    const dir = await open(path)
    const { uid } = dir.identity
    expect(uid).toMatch(/^[0-9a-f]{32}$/)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(path))
      expect(statSync(join(path, name)).mode & 0o777, name).toBe(0o600)
    await dir.setFormed()
    await dir.close()
    const again = await open(path)
    expect(again.identity).toEqual({ ...OWNER, uid, formed: true, starts: 2 })
    await again.close()
    const other = await open(folder())
    expect(other.identity.uid).not.toBe(uid)
    await other.close()
  })

  it('is made with its parents, and refused at once where none can be made', async () => {
    const deep = join(folder(), 'a', 'b')
    await (await open(deep)).close()
    expect(statSync(deep).isDirectory()).toBe(true)
    // Node's own recursive mkdir never comes back from this one.
    expect((await refusal('/proc/nowhere/n1')).message).toContain('is not writable')
  })

  it('of another node, another cluster or a later format is refused and left as it is', async () => {
    const path = folder()
    await (await open(path)).close()
    const file = join(path, 'node.json')
    const text = readFileSync(file, 'utf8')
    expect((await refusal(path, { ...OWNER, nodeId: 'n2' })).message).toContain('node n1, not n2')
    expect((await refusal(path, { ...OWNER, clusterId: 'c2' })).message).toContain('c1, not c2')
    writeFileSync(file, text.replace('"format": 1', '"format": 2'))
    expect((await refusal(path)).message).toContain('format 2')
    writeFileSync(file, text.slice(0, 20))
    expect((await refusal(path)).message).toContain('damaged')
    expect(readFileSync(file, 'utf8')).toBe(text.slice(0, 20))
    writeFileSync(file, text)
    await (await open(path)).close()
  })

  it('with a log but no identity is refused', async () => {
    const path = folder()
    const dir = await open(path)
    await dir.close()
    rmSync(join(path, 'node.json'))
    writeFileSync(join(path, 'wal'), '')
    expect((await refusal(path)).message).toContain('node.json')
  })

  it.skipIf(process.getuid?.() === 0)('that is not writable is refused', async () => {
    const path = folder()
    await (await open(path)).close()
    chmodSync(path, 0o500)
    await refusal(path)
    chmodSync(path, 0o700)
  })

  it('is held by one process: another is told which, and may have it when that one is killed', async () => {
    const path = folder()
    const module = resolve(import.meta.dirname, '../../../dist/node/data-dir.js')
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { DataDir } = await import(${JSON.stringify(module)})
         await DataDir.open(${JSON.stringify(path)}, ${JSON.stringify(OWNER)})
         console.log('held')
         process.stdin.resume()`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    try {
      await new Promise((held, failed) => {
        child.stdout.once('data', held)
        child.once('exit', failed)
      })
      expect((await refusal(path)).message).toContain(`in use by process ${child.pid}`)
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGKILL')
      await ended
      const dir = await open(path)
      expect((await refusal(path)).message).toContain(`in use by process ${process.pid}`)
      await dir.close()
      await (await open(path)).close()
    } finally {
      child.kill('SIGKILL')
    }
  })
})
