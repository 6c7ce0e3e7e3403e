/**
 * Values side by side in slabs. A buffer of its own for each value costs three times as much to make, and a
 * hundred thousand of them stop the node for a third of a second whenever the collector looks at them.
 *
 * A slab goes away only when the last value in it does, so values are kept by age. New ones lie in the order
 * of the log; compaction walks the log in the same order and moves what survives to the settled ones, so that
 * the slabs of new values go as the log does. Among the settled, a slab that is less than half alive is
 * emptied into another: at most twice the memory that lives, and at most one more copy for each byte freed.
 * Nothing in a slab is ever overwritten, so whoever still holds a version reads the right bytes.
 */
import { EMPTY } from '../../base/bytes.js'
import { type Span, spanOf, type Version } from './history.js'

const SLAB_BYTES = 64 * 1024
/** Of settled values: so many are moved at once, at most, when a slab is emptied. */
const SLAB_VALUES_MAX = 1_024
/** A longer value has a buffer of its own. */
const SHARED_BYTES_MAX = 4 * 1024

const NOTHING: Span = spanOf(EMPTY)

/** Where new values go. */
export class Arena {
  #slab = new Uint8Array(0)
  #at = 0

  copy(span: Span): Span {
    const { bytes, from, to } = span
    const length = to - from
    if (length === 0) return NOTHING
    if (length > SHARED_BYTES_MAX) return spanOf(bytes.slice(from, to))
    if (this.#at + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#at = 0
    }
    const at = this.#at
    this.#slab.set(bytes.subarray(from, to), at)
    this.#at += length
    return { bytes: this.#slab, from: at, to: this.#at }
  }
}

interface Slab {
  readonly bytes: Uint8Array
  filled: number
  alive: number
  readonly versions: Set<Version>
}

/** Where values go that have outlived a compaction. */
export class SettledValues {
  readonly #slabs = new Map<Uint8Array, Slab>()
  #current: Slab | null = null

  /** Bytes of all slabs. */
  get bytesHeld(): number {
    return this.#slabs.size * SLAB_BYTES
  }

  /** Moves a version's value here, unless it is here or has a buffer of its own. */
  settle(version: Version): void {
    const bytes = version.bytes
    if (bytes === null || version.length === 0 || version.length > SHARED_BYTES_MAX) return
    if (!this.#slabs.has(bytes)) this.#move(version, bytes)
  }

  /** The version is garbage; its value may go. */
  free(version: Version): void {
    const slab = version.bytes === null ? undefined : this.#slabs.get(version.bytes)
    if (slab === undefined || !slab.versions.delete(version)) return
    slab.alive -= version.length
    if (slab === this.#current || slab.alive * 2 >= slab.filled) return
    this.#slabs.delete(slab.bytes)
    for (const survivor of slab.versions) this.#move(survivor, slab.bytes)
  }

  #move(version: Version, from: Uint8Array): void {
    const slab = this.#slabWithRoom(version.length)
    slab.bytes.set(from.subarray(version.from, version.from + version.length), slab.filled)
    version.bytes = slab.bytes
    version.from = slab.filled
    slab.filled += version.length
    slab.alive += version.length
    slab.versions.add(version)
  }

  #slabWithRoom(length: number): Slab {
    const current = this.#current
    const full = current === null || current.versions.size >= SLAB_VALUES_MAX
    if (!full && current.filled + length <= SLAB_BYTES) return current
    const bytes = new Uint8Array(SLAB_BYTES)
    const slab: Slab = { bytes, filled: 0, alive: 0, versions: new Set() }
    this.#slabs.set(bytes, slab)
    this.#current = slab
    return slab
  }
}
