/**
 * A file system in memory that knows what was synced. `crash` leaves what a power loss could: each write since the
 * last sync is kept, lost or torn, in any order; so is each change of a directory. Faults are asked of the owner.
 */
import { chance, type RandomState } from '../base/random.js'
import { type Done, type File, type FileError, type FileSystem, parentOf } from './file-system.js'
import {
  alter,
  forget,
  isReadable,
  type Medium,
  mediumOf,
  sectorsOf,
  settle,
  sync,
  writeTo,
} from './memory-medium.js'

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
  /** A sync that fails has lost what it was to bring to the medium, though it can still be read until a crash. */
  readonly failedSyncLoses?: boolean
}

/** What a disk held at some moment: the durable content of every file. */
export type DiskImage = ReadonlyMap<string, Uint8Array>

export class MemoryFileSystem implements FileSystem {
  readonly #options: MemoryFileSystemOptions
  /** What a directory lists now, and what it will list after a crash. */
  #names = new Map<string, Medium>()
  #syncedNames = new Map<string, Medium>()
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
        if (node === undefined) throw new Failed('ENOENT')
      } else {
        node = mediumOf(new Uint8Array(0))
        this.#names.set(path, node)
      }
      return this.#handle(path, node as Medium)
    })
  }

  rename(from: string, to: string, done: Done<void>): void {
    this.#run('rename', from, done, () => {
      const node = this.#names.get(from)
      if (node === undefined) throw new Failed('ENOENT')
      this.#names.delete(from)
      this.#names.set(to, node)
      return null
    })
  }

  unlink(path: string, done: Done<void>): void {
    this.#run('unlink', path, done, () => {
      if (!this.#names.delete(path)) throw new Failed('ENOENT')
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

  /** What a power loss at this moment would certainly leave of it; null when there is no such file. */
  durableContent(path: string): Uint8Array | null {
    return this.#syncedNames.get(path)?.synced.slice() ?? null
  }

  /** Changes bytes from `at` on where they lie; open handles see it too. False: there is no such file. */
  alter(path: string, at: number, change: (bytes: Uint8Array) => void): boolean {
    const node = this.#names.get(path)
    if (node === undefined) return false
    alter(node, at, change)
    return true
  }

  /** The sectors of this stretch fail to be read, until they are written again or `mend` is called. */
  spoil(path: string, at: number, length: number): boolean {
    const node = this.#names.get(path)
    if (node === undefined) return false
    for (const sector of sectorsOf(at, length)) node.unreadable.add(sector)
    return true
  }

  /** All that was spoilt can be read again. */
  mend(): void {
    for (const node of this.#names.values()) node.unreadable.clear()
  }

  /** For a backup, while nothing is being written. */
  snapshotImage(): DiskImage {
    const image = new Map<string, Uint8Array>()
    for (const [path, node] of this.#syncedNames) image.set(path, node.synced.slice())
    return image
  }

  /** Puts a backup back: what has come since is gone. Only while no process runs on it. */
  restoreImage(image: DiskImage): void {
    this.#life++
    this.#names = new Map()
    this.#syncedNames = new Map()
    this.#directories.clear()
    this.#newDirectories.clear()
    for (const [path, bytes] of image) {
      this.overwrite(path, bytes)
      for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1))
        this.#directories.add(path.slice(0, end))
    }
  }

  /** A new, empty disk in the place of this one. */
  wipe(): void {
    this.restoreImage(new Map())
  }

  /** Replaces a file's content on the medium: rot, or a test's mutation. */
  overwrite(path: string, bytes: Uint8Array): void {
    const node = mediumOf(bytes)
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

  #handle(path: string, node: Medium): File {
    return {
      path,
      read: (at, length, done) =>
        this.#run('read', path, done, () => {
          if (!isReadable(node, at, length)) throw new Failed('EIO')
          return node.current.slice(at, at + length)
        }),
      write: (at, bytes, done) => {
        const length = Math.min(
          bytes.length,
          this.#options.writes?.(path, bytes.length) ?? bytes.length,
        )
        const taken = bytes.slice(0, length)
        this.#run('write', path, done, () => {
          writeTo(node, { at, bytes: taken })
          return taken.length
        })
      },
      datasync: (done) => {
        // Covers what was written before it was asked for.
        const covered = node.unsynced.length
        const failed: Done<void> = (error, value) => {
          if (error !== null && this.#options.failedSyncLoses === true) forget(node, covered)
          done(error, value)
        }
        this.#run('datasync', path, failed, () => {
          sync(node, covered)
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
        if (thrown instanceof Failed) return done(errorOf(thrown.code, operation, path), null)
        throw thrown
      }
      done(null, value)
    })
  }
}

class Failed extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

function errorOf(code: string, operation: string, path: string): FileError {
  return { code, operation, path, message: `${code}: ${operation} ${path}` }
}
