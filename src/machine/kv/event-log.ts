/**
 * Every change in the order it was made, from the compacted revision on: what watchers are told, what
 * compaction walks along, what a snapshot writes. Events have ordinals that never change; the front goes away
 * a block at a time.
 */
import { assert, present } from '../../base/assert.js'
import type { Version } from './history.js'

const BLOCK_EVENTS = 1024

export class EventLog {
  /** Ordinal of the first event that is still here, and the one behind the last. */
  #start = 0
  #end = 0
  /** Blocks from the one that holds `#start` on. */
  readonly #blocks: Version[][] = []
  #firstBlock = 0

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  last(): Version | null {
    return this.#end === this.#start ? null : this.at(this.#end - 1)
  }

  push(event: Version): void {
    if (this.#end % BLOCK_EVENTS === 0) this.#blocks.push([])
    present(this.#blocks[this.#blocks.length - 1], 'block').push(event)
    this.#end++
  }

  at(ordinal: number): Version {
    assert(ordinal >= this.#start && ordinal < this.#end, 'event out of range')
    const block = Math.floor(ordinal / BLOCK_EVENTS) - this.#firstBlock
    return present(this.#blocks[block]?.[ordinal % BLOCK_EVENTS], 'event')
  }

  /** Ordinal of the first event with mod >= revision; `end` when there is none. */
  firstAt(revision: number): number {
    let low = this.#start
    let high = this.#end
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.at(middle).mod < revision) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Forgets the events before this ordinal. */
  dropBefore(ordinal: number): void {
    assert(ordinal >= this.#start && ordinal <= this.#end, 'event out of range')
    this.#start = ordinal
    const block = Math.floor(ordinal / BLOCK_EVENTS)
    if (block === this.#firstBlock) return
    this.#blocks.splice(0, block - this.#firstBlock)
    this.#firstBlock = block
  }
}
