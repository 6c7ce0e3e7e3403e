/**
 * Which segments there are, and which may go. Oldest first, each unlink on disk before the next: two unlinks in one
 * sync of the directory may reach it in either order, and a power loss between them would leave a gap.
 */
import { present } from '../base/assert.js'
import type { FileError, FileSystem } from './file-system.js'
import { segmentName } from './segments.js'

/** A segment that exists, or will when its turn to be written comes. */
export interface Segment {
  readonly number: number
  /** Highest log index in it, or in what is lost of it; 0: none. */
  lastIndex: number
  /** Does it open with a State record? One that does not must not become the oldest. */
  hasState: boolean
}

export interface RetentionOptions {
  readonly fs: FileSystem
  readonly dir: string
  readonly onFailure: (error: FileError) => void
}

export class Retention {
  readonly #options: RetentionOptions
  #segments: Segment[]
  #through = 0
  /**
   * The newest segment whose State record is on disk. It and all behind it stay: a header alone does not carry the
   * vote of the segments before.
   */
  #stateDurableIn: number
  #removing = false
  #stopped = false
  #onIdle: (() => void) | null = null

  constructor(options: RetentionOptions, segments: readonly Segment[], stateDurableIn: number) {
    this.#options = options
    this.#segments = segments.map(({ number, lastIndex, hasState }) => ({
      number,
      lastIndex,
      hasState,
    }))
    this.#stateDurableIn = stateDurableIn
  }

  get count(): number {
    return this.#segments.length
  }

  /** The one that appends go to. */
  get newest(): number {
    return present(this.#segments.at(-1)).number
  }

  begin(number: number): void {
    this.#segments.push({ number, lastIndex: 0, hasState: false })
  }

  /** Its State record is queued. */
  opens(): void {
    present(this.#segments.at(-1)).hasState = true
  }

  appended(lastIndex: number): void {
    const newest = present(this.#segments.at(-1))
    newest.lastIndex = Math.max(newest.lastIndex, lastIndex)
  }

  stateDurable(segment: number): void {
    if (segment === this.#stateDurableIn) return
    // One whose State record is damaged does not carry the vote of those before.
    if (!this.#segments.some(({ number, hasState }) => number === segment && hasState)) return
    this.#stateDurableIn = segment
    this.#removeNext()
  }

  release(through: number): void {
    this.#through = Math.max(this.#through, through)
    this.#removeNext()
  }

  /** No further file is touched; `idle` when the last call has come back. */
  stop(idle: () => void): void {
    this.#stopped = true
    if (this.#removing) this.#onIdle = idle
    else idle()
  }

  #removeNext(): void {
    const oldest = this.#segments[0]
    if (this.#removing || this.#stopped || oldest === undefined) return
    // The next one that can be the oldest: all before it go, or none.
    const next = this.#segments.findIndex(({ hasState }, i) => i > 0 && hasState)
    const last = this.#segments[next]
    if (last === undefined || last.number > this.#stateDurableIn) return
    if (this.#segments.some(({ lastIndex }, i) => i < next && lastIndex > this.#through)) return
    this.#removing = true
    this.#segments.shift()
    const { fs, dir } = this.#options
    fs.unlink(`${dir}/${segmentName(oldest.number)}`, (error) => {
      if (error !== null && error.code !== 'ENOENT') return this.#removed(error)
      if (this.#stopped) return this.#removed(null)
      fs.syncDirectory(dir, (lost) => this.#removed(lost))
    })
  }

  #removed(error: FileError | null): void {
    this.#removing = false
    this.#onIdle?.()
    this.#onIdle = null
    if (this.#stopped) return
    if (error !== null) this.#options.onFailure(error)
    else this.#removeNext()
  }
}
