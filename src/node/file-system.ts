/** The file systems of log and snapshots over node:fs. Files 0600, directories 0700. */
import {
  close,
  fdatasync,
  fstat,
  fsync,
  mkdir,
  open,
  read,
  readdir,
  rename,
  unlink,
  write,
  writeSync,
} from 'node:fs'
import type { Done, File, FileError, FileSystem } from '../wal/file-system.js'

type NodeError = NodeJS.ErrnoException | null

/** The longest write that the event loop's own thread makes. */
const INLINE_BYTES = 64 * 1024

export const nodeFileSystem: FileSystem = {
  mkdir(path, done) {
    mkdir(path, { recursive: true, mode: 0o700 }, (error) => done(wrap(error, 'mkdir', path), null))
  },
  list(path, done) {
    readdir(path, (error, names) => done(wrap(error, 'list', path), error ? null : names.sort()))
  },
  open: opener(0),
  rename(from, to, done) {
    rename(from, to, (error) => done(wrap(error, 'rename', from), null))
  },
  unlink(path, done) {
    unlink(path, (error) => done(wrap(error, 'unlink', path), null))
  },
  syncDirectory(path, done) {
    open(path, 'r', (unopened, fd) => {
      if (unopened) return done(wrap(unopened, 'open', path), null)
      fsync(fd, (error) => {
        close(fd, () => done(wrap(error, 'fsync', path), null))
      })
    })
  },
}

/**
 * For a log, which writes little ahead of each sync: small writes go to the system's cache at once. Handing them to the
 * pool and waiting for its answer costs more than the copy. What waits for a disk, each sync above all, is the pool's.
 */
export const logFileSystem: FileSystem = { ...nodeFileSystem, open: opener(INLINE_BYTES) }

function opener(inlineBytes: number): FileSystem['open'] {
  return (path, mode, done) => {
    open(path, mode === 'create' ? 'w+' : 'r+', 0o600, (error, fd) => {
      if (error) done(wrap(error, 'open', path), null)
      else done(null, fileOf(path, fd, inlineBytes))
    })
  }
}

function fileOf(path: string, fd: number, inlineBytes: number): File {
  return {
    path,
    read(at, length, done) {
      const buffer = new Uint8Array(length)
      readFully(fd, { buffer, at, filled: 0 }, (error, filled) =>
        done(wrap(error, 'read', path), error ? null : buffer.subarray(0, filled)),
      )
    },
    write(at, bytes, done) {
      const written = (error: NodeError, count: number): void =>
        done(wrap(error, 'write', path), error ? null : count)
      if (bytes.length > inlineBytes) write(fd, bytes, 0, bytes.length, at, written)
      else writeInline(fd, { at, bytes }, written)
    },
    datasync(done) {
      fdatasync(fd, (error) => done(wrap(error, 'fdatasync', path), null))
    },
    size(done) {
      fstat(fd, (error, stats) => done(wrap(error, 'fstat', path), error ? null : stats.size))
    },
    close(done: Done<void>) {
      close(fd, (error) => done(wrap(error, 'close', path), null))
    },
  }
}

function writeInline(
  fd: number,
  { at, bytes }: { readonly at: number; readonly bytes: Uint8Array },
  done: (error: NodeError, count: number) => void,
): void {
  try {
    const count = writeSync(fd, bytes, 0, bytes.length, at)
    queueMicrotask(() => done(null, count))
  } catch (error) {
    queueMicrotask(() => done(error as NodeJS.ErrnoException, 0))
  }
}

/** read(2) may be short in the middle of a file. */
function readFully(
  fd: number,
  state: { readonly buffer: Uint8Array; readonly at: number; readonly filled: number },
  done: (error: NodeError, filled: number) => void,
): void {
  const { buffer, at, filled } = state
  if (filled === buffer.length) {
    setImmediate(() => done(null, filled))
    return
  }
  read(fd, buffer, filled, buffer.length - filled, at + filled, (error, count) => {
    if (error) return done(error, filled)
    if (count === 0) return done(null, filled)
    if (filled + count === buffer.length) return done(null, buffer.length)
    readFully(fd, { buffer, at, filled: filled + count }, done)
  })
}

function wrap(error: NodeError, operation: string, path: string): FileError | null {
  if (error === null || error === undefined) return null
  return { code: error.code ?? 'EUNKNOWN', operation, path, message: error.message }
}

/** The same, telling how long each datasync took (s). */
export function timed(inner: FileSystem, synced: (seconds: number) => void): FileSystem {
  return {
    ...inner,
    open(path, mode, done) {
      inner.open(path, mode, (error, file) =>
        done(error, error === null && file !== null ? timedFile(file, synced) : file),
      )
    },
  }
}

function timedFile(file: File, synced: (seconds: number) => void): File {
  return {
    ...file,
    datasync(done) {
      const began = performance.now()
      file.datasync((error, nothing) => {
        synced((performance.now() - began) / 1_000)
        done(error, nothing)
      })
    },
  }
}
