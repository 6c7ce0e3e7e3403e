/**
 * Values side by side in slabs: a third of the price of an array buffer each, in time and in memory. A slab
 * goes away only when the last value in it does. That is no leak here: values enter in the order of the log,
 * compaction walks the log in the same order, and gives each value that survives a buffer of its own.
 */
import { type Span, spanOf, type Version } from './history.js'

const SLAB_BYTES = 64 * 1024
/** A longer value has a buffer of its own from the start. */
const SHARED_BYTES_MAX = 4 * 1024

export class Arena {
  #slab = new Uint8Array(0)
  #at = 0

  copy(span: Span): Span {
    const { bytes, from, to } = span
    const length = to - from
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

/** Gives a value in a slab a buffer of its own. */
export function leaveSlab(version: Version): void {
  const bytes = version.bytes
  if (bytes === null || bytes.length !== SLAB_BYTES || version.length === SLAB_BYTES) return
  version.bytes = bytes.slice(version.from, version.from + version.length)
  version.from = 0
}
