/** A node's log under `dev`: appended, and kept within twice its bound. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

const LOG_BYTES_MAX = 10 * 1024 * 1024
/** Kept in memory, to be shown when the node keeps dying. */
const TAIL_BYTES_MAX = 8 * 1024

export class LogFile {
  readonly #path: string
  readonly #bytesMax: number
  #fd: number
  #bytes: number
  #tail = ''

  constructor(path: string, bytesMax = LOG_BYTES_MAX) {
    this.#path = path
    this.#bytesMax = bytesMax
    this.#fd = openSync(path, 'a')
    this.#bytes = fstatSync(this.#fd).size
  }

  /** A log that cannot be written (a full disk) must not end the cluster: what cannot be kept is dropped. */
  write(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString('utf8')).slice(-TAIL_BYTES_MAX)
    try {
      if (this.#bytes > 0 && this.#bytes + chunk.length > this.#bytesMax) this.#rotate()
      this.#bytes += writeSync(this.#fd, chunk)
    } catch {
      // Dropped.
    }
  }

  lastLines(count: number): string[] {
    return this.#tail
      .split('\n')
      .filter((line) => line !== '')
      .slice(-count)
  }

  close(): void {
    closeSync(this.#fd)
  }

  /** One old file stays. */
  #rotate(): void {
    renameSync(this.#path, `${this.#path}.1`)
    const fd = openSync(this.#path, 'a')
    closeSync(this.#fd)
    this.#fd = fd
    this.#bytes = 0
  }
}
