/**
 * A file system in memory that knows what was synced. `crash` leaves what a power loss could: each write since the
 * last sync is kept, lost or torn, in any order; so is each change of a directory. Faults are asked of the owner.
 */
import { concat } from '../base/bytes.js'
import { chance, nextInt, type RandomState } from '../base/random.js'
import { type Done, type File, type FileError, type FileSystem, parentOf } from './file-system.js'

export type Operation =
  | 'mkdir'
  | 'list'
  | 'create'
  | 'open'
  | 'read'
  | 'write'
  | 'datasync'
  | 'size'
  | 'close'
  | 'rename'
  | 'unlink'
  | 'syncDirectory'

export interface MemoryFileSystemOptions {
  /** Runs a completion later, never now. */
  readonly soon: (operation: Operation, path: string, task: () => void) => void
  /** An error code for this call, or null. Asked once a call, when it is made. */
  readonly fail?: (operation: Operation, path: string) => string | null
  /** How many of so many bytes a write takes. */
  readonly writes?: (path: string, length: number) => number
}

interface Write {
  readonly at: number
  readonly bytes: Uint8Array
}

interface Node {
  /** Content that survives a crash. */
  synced: Uint8Array
  /** Content as read now. */
  current: Uint8Array
  unsynced: Write[]
}

/** Torn writes break at a sector, or within one. */
const SECTOR_BYTES = 512

export class MemoryFileSystem implements FileSystem {
  readonly #options: MemoryFileSystemOptions
  /** What a directory lists now, and what it will list after a crash. */
  #names = new Map<string, Node>()
  #syncedNames = new Map<string, Node>()
  /** Made, and not yet synced in their parents. */
  readonly #newDirectories = new Set<string>()
  readonly #directories = new Set<string>()
  /** Handles of an earlier life do nothing. */
  #life = 0

  constructor(options: MemoryFileSystemOptions) {
    this.#options = options
  }

  mkdir(path: string, done: Done<void>): void {
    this.#run('mkdir', path, done, () => {
      if (!this.#directories.has(path)) this.#newDirectories.add(path)
      this.#directories.add(path)
      return null
    })
  }

  list(path: string, done: Done<string[]>): void {
    this.#run('list', path, done, () => {
      const prefix = `${path}/`
      return [...this.#names.keys()]
        .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('/'))
        .map((name) => name.slice(prefix.length))
        .sort()
    })
  }

  open(path: string, mode: 'create' | 'existing', done: Done<File>): void {
    this.#run(mode === 'create' ? 'create' : 'open', path, done, () => {
      let node = this.#names.get(path)
      if (mode === 'existing') {
        if (node === undefined) throw new Missing()
      } else {
        node = { synced: new Uint8Array(0), current: new Uint8Array(0), unsynced: [] }
        this.#names.set(path, node)
      }
      return this.#handle(path, node as Node)
    })
  }

  rename(from: string, to: string, done: Done<void>): void {
    this.#run('rename', from, done, () => {
      const node = this.#names.get(from)
      if (node === undefined) throw new Missing()
      this.#names.delete(from)
      this.#names.set(to, node)
      return null
    })
  }

  unlink(path: string, done: Done<void>): void {
    this.#run('unlink', path, done, () => {
      if (!this.#names.delete(path)) throw new Missing()
      return null
    })
  }

  syncDirectory(path: string, done: Done<void>): void {
    this.#run('syncDirectory', path, done, () => {
      const prefix = `${path}/`
      for (const name of this.#syncedNames.keys())
        if (name.startsWith(prefix) && !this.#names.has(name)) this.#syncedNames.delete(name)
      for (const [name, node] of this.#names)
        if (name.startsWith(prefix)) this.#syncedNames.set(name, node)
      for (const made of this.#newDirectories)
        if (parentOf(made) === path) this.#newDirectories.delete(made)
      return null
    })
  }

  /** The process dies, the system lives on: everything written stays. */
  kill(): void {
    this.#life++
  }

  /** Power fails: of what was not synced, chance decides what is there. */
  crash(random: RandomState): void {
    this.#life++
    const names = new Map(this.#syncedNames)
    // Each unsynced change of a directory may or may not have happened.
    for (const [name, node] of this.#names)
      if (names.get(name) !== node && chance(random, 0.5)) names.set(name, node)
    for (const name of this.#syncedNames.keys())
      if (!this.#names.has(name) && chance(random, 0.5)) names.delete(name)
    for (const made of this.#newDirectories) {
      if (chance(random, 0.5)) continue
      this.#directories.delete(made)
      for (const name of names.keys()) if (name.startsWith(`${made}/`)) names.delete(name)
    }
    this.#newDirectories.clear()
    for (const node of new Set(names.values())) settle(node, random)
    this.#names = names
    this.#syncedNames = new Map(names)
  }

  /** Content as it is, for tests and faults; null when there is no such file. */
  content(path: string): Uint8Array | null {
    return this.#names.get(path)?.current.slice() ?? null
  }

  /** Replaces a file's content on the medium: rot, or a test's mutation. */
  overwrite(path: string, bytes: Uint8Array): void {
    const node = { synced: bytes.slice(), current: bytes.slice(), unsynced: [] }
    this.#names.set(path, node)
    this.#syncedNames.set(path, node)
  }

  remove(path: string): void {
    this.#names.delete(path)
    this.#syncedNames.delete(path)
  }

  paths(): string[] {
    return [...this.#names.keys()].sort()
  }

  /** A second disk with the same content, all of it synced. */
  copy(options: MemoryFileSystemOptions): MemoryFileSystem {
    const other = new MemoryFileSystem(options)
    for (const [path, node] of this.#names) other.overwrite(path, node.current)
    return other
  }

  #handle(path: string, node: Node): File {
    return {
      path,
      read: (at, length, done) =>
        this.#run('read', path, done, () => node.current.slice(at, at + length)),
      write: (at, bytes, done) => {
        const length = Math.min(
          bytes.length,
          this.#options.writes?.(path, bytes.length) ?? bytes.length,
        )
        const taken = bytes.slice(0, length)
        this.#run('write', path, done, () => {
          node.current = place(node.current, { at, bytes: taken })
          node.unsynced.push({ at, bytes: taken })
          return taken.length
        })
      },
      datasync: (done) => {
        // Covers what was written before it was asked for.
        const covered = node.unsynced.length
        this.#run('datasync', path, done, () => {
          for (const write of node.unsynced.splice(0, covered))
            node.synced = place(node.synced, write)
          return null
        })
      },
      size: (done) => this.#run('size', path, done, () => node.current.length),
      close: (done) => this.#run('close', path, done, () => null),
    }
  }

  #run<T>(operation: Operation, path: string, done: Done<T>, act: () => T): void {
    const life = this.#life
    const code = this.#options.fail?.(operation, path) ?? null
    this.#options.soon(operation, path, () => {
      if (life !== this.#life) return
      if (code !== null) return done(errorOf(code, operation, path), null)
      let value: T
      try {
        value = act()
      } catch (thrown) {
        if (thrown instanceof Missing) return done(errorOf('ENOENT', operation, path), null)
        throw thrown
      }
      done(null, value)
    })
  }
}

class Missing extends Error {}

function errorOf(code: string, operation: string, path: string): FileError {
  return { code, operation, path, message: `${code}: ${operation} ${path}` }
}

function place(content: Uint8Array, write: Write): Uint8Array {
  const end = write.at + write.bytes.length
  let target = content
  if (end > content.length) target = concat([content, new Uint8Array(end - content.length)])
  target.set(write.bytes, write.at)
  return target
}

/**
 * What of the unsynced writes a power loss left: either all of them up to some byte, or, as a cache writes its pages
 * back in any order, each sector as it was after some of them.
 */
function settle(node: Node, random: RandomState): void {
  const before = node.synced
  let content: Uint8Array
  if (chance(random, 0.5)) content = upToAByte(before, node.unsynced, random)
  else content = sectorBySector(before, node.unsynced, random)
  node.synced = content
  node.current = content.slice()
  node.unsynced = []
}

function upToAByte(before: Uint8Array, writes: readonly Write[], random: RandomState): Uint8Array {
  let content: Uint8Array = before.slice()
  const whole = nextInt(random, 0, writes.length)
  for (const write of writes.slice(0, whole)) content = place(content, write)
  const torn = writes[whole]
  if (torn === undefined) return content
  const length = nextInt(random, 0, torn.bytes.length)
  return place(content, { at: torn.at, bytes: torn.bytes.slice(0, length) })
}

function sectorBySector(
  before: Uint8Array,
  writes: readonly Write[],
  random: RandomState,
): Uint8Array {
  let content: Uint8Array = before.slice()
  /** How many writes each sector saw, in their order. */
  const seen = new Map<number, number>()
  for (const [i, write] of writes.entries()) {
    let from = 0
    while (from < write.bytes.length) {
      const sector = Math.floor((write.at + from) / SECTOR_BYTES)
      const to = Math.min(write.bytes.length, (sector + 1) * SECTOR_BYTES - write.at)
      let count = seen.get(sector)
      if (count === undefined) {
        count = nextInt(random, 0, writes.length)
        seen.set(sector, count)
      }
      if (i < count)
        content = place(content, { at: write.at + from, bytes: write.bytes.slice(from, to) })
      from = to
    }
  }
  return content
}
