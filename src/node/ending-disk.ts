/**
 * A file system that is used until it is ended. What is under way in the background when a node stops, a snapshot that is
 * being written, would go on in a directory that somebody else may have by then, or nobody.
 */
import type { Done, File, FileError, FileSystem } from '../wal/file-system.js'

type Act<T> = (done: Done<T>) => void

export class EndingDisk implements FileSystem {
  readonly #disk: FileSystem
  #underWay = 0
  #ended = false
  #onIdle: () => void = () => {}

  constructor(disk: FileSystem) {
    this.#disk = disk
  }

  /** What begins from now on fails; resolves when all that had begun is over, or after so long. */
  end(graceMs: number): Promise<void> {
    this.#ended = true
    if (this.#underWay === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const limit = setTimeout(resolve, graceMs)
      this.#onIdle = () => {
        clearTimeout(limit)
        resolve()
      }
    })
  }

  mkdir(path: string, done: Done<void>): void {
    this.#run('mkdir', path, done, (over) => this.#disk.mkdir(path, over))
  }

  list(path: string, done: Done<string[]>): void {
    this.#run('list', path, done, (over) => this.#disk.list(path, over))
  }

  open(path: string, mode: 'create' | 'existing', done: Done<File>): void {
    const opened: Done<File> = (error, file) =>
      done(error, file === null ? null : this.#ending(file))
    this.#run('open', path, opened, (over) => this.#disk.open(path, mode, over))
  }

  rename(from: string, to: string, done: Done<void>): void {
    this.#run('rename', from, done, (over) => this.#disk.rename(from, to, over))
  }

  unlink(path: string, done: Done<void>): void {
    this.#run('unlink', path, done, (over) => this.#disk.unlink(path, over))
  }

  syncDirectory(path: string, done: Done<void>): void {
    this.#run('sync', path, done, (over) => this.#disk.syncDirectory(path, over))
  }

  #ending(file: File): File {
    const { path } = file
    return {
      path,
      read: (at, length, done) =>
        this.#run('read', path, done, (over) => file.read(at, length, over)),
      write: (at, bytes, done) =>
        this.#run('write', path, done, (over) => file.write(at, bytes, over)),
      datasync: (done) => this.#run('sync', path, done, (over) => file.datasync(over)),
      size: (done) => this.#run('size', path, done, (over) => file.size(over)),
      // Always: what is open is to be closed.
      close: (done) => this.#count(done, (over) => file.close(over)),
    }
  }

  #run<T>(operation: string, path: string, done: Done<T>, act: Act<T>): void {
    if (this.#ended) setImmediate(done, ended(operation, path), null)
    else this.#count(done, act)
  }

  #count<T>(done: Done<T>, act: Act<T>): void {
    this.#underWay++
    act((error, value) => {
      this.#underWay--
      done(error, value)
      if (this.#underWay === 0) this.#onIdle()
    })
  }
}

function ended(operation: string, path: string): FileError {
  return { code: 'ENDED', operation, path, message: `${path}: the node has stopped` }
}
