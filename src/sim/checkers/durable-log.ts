/** What a disk holds of a Raft log for certain, by the records that were synced or that recovery read. */
import type { Index } from '../../consensus/ids.js'
import type { WalRecord } from '../../consensus/raft/records.js'
import { type Shape, termIn } from '../../consensus/raft/shape.js'

export class DurableLog {
  /** What the snapshot covers is there; lost with its file. */
  #snapshotIndex = 0
  /** Of entries whose content is there. */
  #terms = new Map<Index, number>()
  #last = 0
  #reached = 0
  /** What damage took from it since. */
  readonly #decayed = new Map<Index, number>()

  write(records: readonly WalRecord[]): void {
    for (const record of records) {
      this.#write(record)
      this.#reached = Math.max(this.#reached, this.#last, this.#snapshotIndex)
    }
  }

  /** The highest index that it ever had since this start. */
  get reached(): Index {
    return this.#reached
  }

  /** Index and term of the entries whose content is there. */
  entries(): Iterable<readonly [Index, number]> {
    return this.#terms
  }

  /** A record on the disk names a snapshot of what is up to there. */
  covers(through: Index): boolean {
    return through <= this.#snapshotIndex
  }

  has(index: Index, term: number): boolean {
    return index <= this.#snapshotIndex || this.#terms.get(index) === term
  }

  /** Whether it had the entry when it was synced, whatever damage took since: what was acknowledged then was true. */
  hadOnce(index: Index, term: number): boolean {
    return this.has(index, term) || this.#decayed.get(index) === term
  }

  /** The same disk in an earlier life of its node, before it was damaged. */
  decayedFrom(former: DurableLog): void {
    for (const [index, term] of [...former.#decayed, ...former.#terms])
      if (!this.has(index, term)) this.#decayed.set(index, term)
  }

  /** Acknowledged again since it was damaged: now it must be there. */
  acknowledgedAgain(through: Index): void {
    for (const index of this.#decayed.keys()) if (index <= through) this.#decayed.delete(index)
  }

  #write(record: WalRecord): void {
    switch (record.type) {
      case 'Append': {
        const first = record.entries[0]
        if (first === undefined) return
        this.#cut(first.index - 1)
        this.#hold(record.entries)
        this.#last = record.entries.at(-1)?.index ?? this.#last
        return
      }
      case 'Filled':
        this.#hold(record.entries)
        return
      case 'Bootstrap':
        this.#terms.set(1, 1)
        this.#last = Math.max(this.#last, 1)
        return
      case 'State':
        this.#covered(record.snapshot?.index ?? 0)
        return
      case 'SnapshotInstalled':
        this.#terms.clear()
        this.#last = record.snapshot.index
        this.#covered(record.snapshot.index)
        return
      case 'SnapshotTaken':
        this.#covered(record.snapshot.index)
        return
      case 'Lost':
        this.#lost(record.shape)
        return
      case 'SnapshotLost':
        this.#snapshotIndex = 0
        return
      case 'HardState':
        return
    }
  }

  #hold(entries: readonly { readonly index: Index; readonly term: number }[]): void {
    for (const entry of entries) this.#terms.set(entry.index, entry.term)
  }

  #covered(index: Index): void {
    this.#snapshotIndex = Math.max(this.#snapshotIndex, index)
  }

  #cut(through: Index): void {
    for (let index = through + 1; index <= this.#last; index++) this.#terms.delete(index)
    this.#last = Math.min(this.#last, through)
  }

  /** Whatever the shape contradicts was replaced in the stretch that is gone. */
  #lost(shape: Shape): void {
    this.#cut(shape.lastIndex)
    for (const [index, term] of this.#terms) {
      const told = termIn(shape, index)
      if (index > shape.base.index && told !== null && told !== term) this.#terms.delete(index)
    }
    this.#last = shape.lastIndex
    if (shape.base.index > this.#snapshotIndex)
      this.#snapshotIndex = tellsItsFile(shape) ? shape.base.index : 0
  }
}

/** Its record is gone, and the shape says which file it named and who was a member there. */
function tellsItsFile({ base, snapshot, configuration, runs }: Shape): boolean {
  const isTold = (runs[0]?.from ?? base.index + 1) === base.index + 1
  return snapshot !== null && isTold && (configuration?.index ?? base.index + 1) <= base.index
}
