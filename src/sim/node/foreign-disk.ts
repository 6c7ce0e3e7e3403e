/**
 * A node whose disk somebody has exchanged. It takes no part before its handshakes are over, and this is where it has to
 * end: it asks one peer after the other until one refuses it. Its own disk is kept, and put back later.
 */
import type { DiskImage } from '../../wal/memory-file-system.js'
import type { SimDisk } from '../disk.js'
import type { Greeting, Identity, IdentityCopy } from './identity.js'
import type { Life } from './life.js'

/** What was copied from a disk once, for the day on which somebody puts it back. */
export interface Backup {
  readonly image: DiskImage
  readonly identity: IdentityCopy
}

export interface ForeignDiskParts {
  readonly disk: SimDisk
  readonly identity: Identity
  readonly life: Life
  /** Runs after so many ms. */
  readonly after: (ms: number, task: () => void) => void
  readonly incarnation: () => number
  /** Shakes hands with every peer that can be reached. */
  readonly greet: (greeted: (greeting: Greeting) => void) => void
  readonly refused: (mark: 'wiped-disk-refused' | 'old-copy-refused', why: string) => void
}

/** Between two rounds of handshakes. */
const GREET_MS = 20

export class ForeignDisk {
  readonly #parts: ForeignDiskParts
  #own: DiskImage | null = null
  #copy: Backup | null = null
  #refused = false

  constructor(parts: ForeignDiskParts) {
    this.#parts = parts
  }

  get isIn(): boolean {
    return this.#own !== null
  }

  backup(): Backup {
    const { disk, identity } = this.#parts
    return { image: disk.image(), identity: identity.copy() }
  }

  /** Only while no process runs. Null: an empty disk. */
  exchange(copy: Backup | null): void {
    const { disk, identity, incarnation } = this.#parts
    this.#own = disk.image()
    this.#copy = copy
    this.#refused = false
    identity.exchange(copy?.identity ?? null, incarnation())
    if (copy === null) disk.wipe()
    else disk.restoreImage(copy.image)
  }

  putBack(): void {
    const { disk, identity } = this.#parts
    if (this.#own === null) return
    disk.restoreImage(this.#own)
    this.#own = null
    this.#copy = null
    identity.putBack()
  }

  /** The process starts on it; once refused it does not start again. */
  start(): void {
    const { life, after, greet, refused, identity } = this.#parts
    if (this.#refused) return
    life.begin()
    const copy = this.#copy?.identity ?? null
    const living = life.witness()
    const next = life.guarded(() => {
      greet((greeting) => {
        if (!living()) return
        const why = identity.refusalOf(greeting, copy)
        if (why === null) return
        this.#refused = true
        refused(copy === null ? 'wiped-disk-refused' : 'old-copy-refused', why)
      })
      after(GREET_MS, next)
    })
    next()
  }
}
