/** Which snapshot files a node may drop: those older than one whose record is on disk. */
import type { Index } from '../consensus/ids.js'

export class RecordedSnapshots {
  /** The snapshot that the core had when each batch was appended. */
  readonly #appended: { readonly batch: number; readonly snapshot: Index }[] = []
  #durable: Index

  constructor(recovered: Index) {
    this.#durable = recovered
  }

  appended(batch: number, snapshot: Index): void {
    this.#appended.push({ batch, snapshot })
  }

  /** Files below the index that it gives are spoken of by no record any more; null: nothing new. */
  synced(batch: number): Index | null {
    let durable = this.#durable
    while (this.#appended[0] !== undefined && this.#appended[0].batch <= batch)
      durable = Math.max(durable, this.#appended.shift()?.snapshot ?? 0)
    if (durable === this.#durable) return null
    this.#durable = durable
    return durable
  }
}
