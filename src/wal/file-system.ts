/**
 * The file system as the log needs it. Callbacks, never inside the call that registered them, so that the simulator
 * can own every interleaving; errors are values, since a failed write is an outcome and not an exception.
 */
export interface FileError {
  /** As the system names it: EIO, ENOSPC, ENOENT, EEXIST ... */
  readonly code: string
  readonly operation: string
  readonly path: string
  readonly message: string
}

export type Done<T> = (error: FileError | null, value: T | null) => void

export interface File {
  readonly path: string
  /** Fewer bytes than asked for only at the end of the file. */
  read(at: number, length: number, done: Done<Uint8Array>): void
  /** May be short: gives the number of bytes written, the caller goes on from there. */
  write(at: number, bytes: Uint8Array, done: Done<number>): void
  /** Content (and the length needed to read it) is on disk. */
  datasync(done: Done<void>): void
  size(done: Done<number>): void
  close(done: Done<void>): void
}

export interface FileSystem {
  /** With its parents; no error when it exists. */
  mkdir(path: string, done: Done<void>): void
  /** Names, sorted. */
  list(path: string, done: Done<string[]>): void
  /** `create`: empty, whatever was there. `existing`: ENOENT when it is not. Both read and write. */
  open(path: string, mode: 'create' | 'existing', done: Done<File>): void
  rename(from: string, to: string, done: Done<void>): void
  unlink(path: string, done: Done<void>): void
  /** Creations, renames and unlinks in it are on disk. */
  syncDirectory(path: string, done: Done<void>): void
}

/** The folder that a path is a name in: the one to sync when the path itself is new. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return '.'
  return slash === 0 ? '/' : path.slice(0, slash)
}

/** Writes all of it, however short the single writes are. */
export function writeAll(file: File, at: number, bytes: Uint8Array, done: Done<void>): void {
  if (bytes.length === 0) {
    file.write(at, bytes, (error) => done(error, null))
    return
  }
  file.write(at, bytes, (error, written) => {
    if (error !== null) return done(error, null)
    const count = written ?? 0
    if (count >= bytes.length) return done(null, null)
    if (count <= 0) {
      const { path } = file
      return done({ code: 'EIO', operation: 'write', path, message: 'nothing was written' }, null)
    }
    writeAll(file, at + count, bytes.subarray(count), done)
  })
}

/** The whole file. */
export function readWhole(file: File, done: Done<Uint8Array>): void {
  file.size((error, size) => {
    if (error !== null || size === null) return done(error, null)
    if (size === 0) return done(null, new Uint8Array(0))
    file.read(0, size, done)
  })
}
