/**
 * The data directory of one node: locked by one process, and marked with whose it is. Its uid is random and made with
 * it; a directory that lost its log under a uid that the cluster knows is refused, since that node may have promised
 * what it no longer remembers.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import type { ProtocolName } from '../protocols.js'
import { dataRefused, diskFailed, NodeError } from './errors.js'

const FORMAT = 1
const IDENTITY_FILE = 'node.json'
const LOCK_FILE = 'lock'
/** Nothing can be made there: the path is wrong, not the disk. */
const NOT_WRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT'])

/** Whose a directory is. */
export interface Owner {
  readonly clusterId: string
  readonly nodeId: string
  /** What wrote its log: another protocol would read other things out of it. */
  readonly protocol: ProtocolName
}

export interface DataDirIdentity extends Owner {
  readonly uid: string
  /** The cluster has formed with this directory: its log must be there. */
  readonly formed: boolean
  /** How often it was opened to run; this time included. */
  readonly starts: number
}

export class DataDir {
  readonly path: string
  readonly #lock: Server
  #identity: DataDirIdentity

  private constructor(path: string, lock: Server, identity: DataDirIdentity) {
    this.path = path
    this.#lock = lock
    this.#identity = identity
  }

  /** Creates it when it is not there. Throws NodeError: locked, foreign, newer, not writable. */
  static async open(path: string, owner: Owner): Promise<DataDir> {
    await onDisk(path, () => makeDirectory(path))
    const lock = await lockDirectory(path)
    try {
      const found = await readIdentity(path)
      if (found !== null) {
        checkOwner(path, found, owner)
        // Counted before a word is said: peers remember the number (driver/starts.ts).
        const started = { ...found, starts: found.starts + 1 }
        await writeIdentity(path, started)
        return new DataDir(path, lock, started)
      }
      const uid = randomBytes(16).toString('hex')
      const fresh = { ...owner, uid, formed: false, starts: 1 }
      await writeIdentity(path, fresh)
      return new DataDir(path, lock, fresh)
    } catch (error) {
      lock.close()
      throw error
    }
  }

  get identity(): DataDirIdentity {
    return this.#identity
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** On disk when it resolves. */
  async setFormed(): Promise<void> {
    if (this.#identity.formed) return
    const formed = { ...this.#identity, formed: true }
    await writeIdentity(this.path, formed)
    this.#identity = formed
  }

  async close(): Promise<void> {
    await rm(join(this.path, LOCK_FILE), { force: true })
    await new Promise<void>((done) => this.#lock.close(() => done()))
  }
}

/**
 * One folder after the other, each name synced in its parent, or a power loss could take the directory with all that
 * was synced in it. (Node's own recursive mkdir never returns where a parent exists in which nothing can be made,
 * such as /proc.)
 */
async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || parent === path) throw error
    await makeDirectory(parent)
    await mkdir(path, { mode: 0o700 })
  }
  await syncFolder(parent)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}

/**
 * An abstract socket named by device and inode: it goes with the process, however that ends, and no stale file can
 * fool it. The file beside it only tells a person who holds it.
 */
async function lockDirectory(path: string): Promise<Server> {
  const { dev, ino } = await stat(path)
  const server = createServer((socket) => socket.destroy())
  const held = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(diskFailed(`${path} cannot be locked: ${error.message}`))
    })
    server.listen(`\0quorate-${dev}-${ino}`, () => resolve(true))
  })
  if (!held) {
    const pid = await readFile(join(path, LOCK_FILE), 'utf8').catch(() => 'unknown')
    throw dataRefused(
      `${path} is in use by process ${pid.trim()}; stop that one, or give this node a --data-dir of its own`,
    )
  }
  server.unref()
  await onDisk(path, async () => {
    const file = await open(join(path, LOCK_FILE), 'w', 0o600)
    await file.writeFile(`${process.pid}\n`)
    await file.close()
  })
  return server
}

async function readIdentity(path: string): Promise<DataDirIdentity | null> {
  const file = join(path, IDENTITY_FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw diskFailed(`${file} cannot be read: ${textOf(error)}`)
    if (await exists(join(path, 'wal')))
      throw dataRefused(
        `${path} has a log but no ${IDENTITY_FILE}; put the file back from a copy of this directory`,
      )
    return null
  }
  const value = parse(text)
  if (value === null)
    throw dataRefused(`${file} is damaged; put it back from a copy of this directory`)
  const { format, ...identity } = value
  if (format > FORMAT)
    throw dataRefused(
      `${file} is of format ${format}, which this version does not know; start a later version`,
    )
  return identity
}

function parse(text: string): (DataDirIdentity & { format: number }) | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { format, clusterId, nodeId, uid, formed, starts, protocol } = value as {
      [key: string]: unknown
    }
    if (typeof format !== 'number' || typeof formed !== 'boolean') return null
    if (typeof starts !== 'number' || !Number.isSafeInteger(starts) || starts < 1) return null
    if (typeof clusterId !== 'string' || typeof nodeId !== 'string' || typeof uid !== 'string')
      return null
    if (protocol !== 'raft' && protocol !== 'pbft') return null
    return { format, clusterId, nodeId, uid, formed, starts, protocol }
  } catch {
    return null
  }
}

function checkOwner(path: string, found: DataDirIdentity, owner: Owner): void {
  if (found.protocol !== owner.protocol)
    throw dataRefused(
      `${path} was written by ${found.protocol}, not ${owner.protocol}; check --protocol and --data-dir`,
    )
  if (found.nodeId !== owner.nodeId)
    throw dataRefused(
      `${path} belongs to node ${found.nodeId}, not ${owner.nodeId}; check --name and --data-dir`,
    )
  if (found.clusterId !== owner.clusterId)
    throw dataRefused(
      `${path} belongs to cluster ${found.clusterId}, not ${owner.clusterId}; check --initial-cluster, --initial-cluster-token and --data-dir`,
    )
}

async function writeIdentity(path: string, identity: DataDirIdentity): Promise<void> {
  const file = join(path, IDENTITY_FILE)
  await onDisk(path, async () => {
    const handle = await open(`${file}.tmp`, 'w', 0o600)
    await handle.writeFile(`${JSON.stringify({ format: FORMAT, ...identity }, null, 2)}\n`)
    await handle.sync()
    await handle.close()
    await rename(`${file}.tmp`, file)
    await syncFolder(path)
  })
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  )
}

async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof NodeError) throw error
    const code = codeOf(error)
    if (code !== null && NOT_WRITABLE.has(code))
      throw dataRefused(`${path} is not writable: ${textOf(error)}; check --data-dir`)
    throw diskFailed(`${path}: ${textOf(error)}`)
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
