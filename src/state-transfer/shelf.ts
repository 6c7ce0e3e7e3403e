/**
 * The snapshots whose parts are given out: of each that is asked for the tree is made once, piece by piece from its
 * file, and the file stays open while its parts are wanted, also when a newer snapshot has taken its place.
 */
import type { Index } from '../consensus/ids.js'
import { chunkPart, type Hashing, type PartName, type Tree, TreeHasher } from './tree.js'

/** A snapshot's file, each byte verified against the file's own checksums before it is handed out. */
export interface OpenFile {
  /** As it says itself. */
  readonly digest: PartName
  readonly bytes: number
  /** Null: it cannot be read. */
  readAt(offset: number, length: number, done: (bytes: Uint8Array | null) => void): void
  close(): void
}

export interface ShelfPorts {
  /** Where the newest snapshot stands; 0: there is none. */
  newest(): Index
  open(index: Index, done: (file: OpenFile | null) => void): void
  /** Between two pieces. */
  soon(task: () => void): void
}

interface Shelved {
  readonly index: Index
  /** Null until its tree is made. */
  held: { readonly file: OpenFile; readonly tree: Tree } | null
  /** Who waits for the tree; null: nobody has to. */
  waiting: (() => void)[] | null
}

/** The newest, and one that somebody may still be fetching. */
const SHELVED_MAX = 2
const PIECE_BYTES = 64 * 1024
/** Who asks while a tree is being made waits; so many do. */
const WAITING_MAX = 256

type PartDone = (part: Uint8Array | null) => void

export class Shelf {
  readonly #ports: ShelfPorts
  readonly #hashing: Hashing
  /** Used last stands last. */
  #shelved: Shelved[] = []

  constructor(ports: ShelfPorts, hashing: Hashing) {
    this.#ports = ports
    this.#hashing = hashing
  }

  /** A part of the snapshot with this digest; null: it is not here. */
  partOf(snapshot: PartName, name: PartName, done: PartDone): void {
    const known = this.#shelved.find(({ held }) => held?.file.digest === snapshot)
    this.#whenMade(known ?? this.#newest(), (held) => {
      if (held?.file.digest === snapshot) this.#read(held, name, done)
      else this.#ports.soon(() => done(null))
    })
  }

  /** Of the newest. */
  part(name: PartName, done: PartDone): void {
    this.#whenMade(this.#newest(), (held) => {
      if (held === null) this.#ports.soon(() => done(null))
      else this.#read(held, name, done)
    })
  }

  close(): void {
    for (const { held } of this.#shelved) held?.file.close()
    this.#shelved = []
  }

  #whenMade(shelved: Shelved | null, act: (held: Shelved['held']) => void): void {
    if (shelved === null) return act(null)
    this.#shelved = [...this.#shelved.filter((one) => one !== shelved), shelved]
    if (shelved.waiting === null) return act(shelved.held)
    if (shelved.waiting.length >= WAITING_MAX) return act(null)
    shelved.waiting.push(() => act(shelved.held))
  }

  #newest(): Shelved | null {
    const index = this.#ports.newest()
    if (index === 0) return null
    const found = this.#shelved.find((one) => one.index === index)
    if (found !== undefined) return found
    const shelved: Shelved = { index, held: null, waiting: [] }
    this.#shelved.push(shelved)
    while (this.#shelved.length > SHELVED_MAX) this.#shelved.shift()?.held?.file.close()
    this.#ports.open(index, (file) => {
      if (file === null) this.#made(shelved, null)
      else this.#make(shelved, file)
    })
    return shelved
  }

  #make(shelved: Shelved, file: OpenFile): void {
    const hasher = new TreeHasher(this.#hashing)
    const end = (tree: Tree | null): void => {
      // Not the content that the file says it is of, or nobody's any more.
      if (tree?.digest === file.digest && this.#shelved.includes(shelved))
        return this.#made(shelved, { file, tree })
      file.close()
      this.#made(shelved, null)
    }
    const next = (at: number): void => {
      if (!this.#shelved.includes(shelved)) return end(null)
      if (at >= file.bytes) return end(hasher.tree())
      file.readAt(at, Math.min(PIECE_BYTES, file.bytes - at), (bytes) => {
        if (bytes === null || bytes.length === 0) return end(null)
        hasher.update(bytes)
        this.#ports.soon(() => next(at + bytes.length))
      })
    }
    next(0)
  }

  #made(shelved: Shelved, held: Shelved['held']): void {
    shelved.held = held
    // What cannot be read is tried again when it is asked for again.
    if (held === null) this.#shelved = this.#shelved.filter((one) => one !== shelved)
    const waiting = shelved.waiting ?? []
    shelved.waiting = null
    for (const act of waiting) act()
  }

  #read({ tree, file }: NonNullable<Shelved['held']>, name: PartName, done: PartDone): void {
    const chunk = tree.chunk(name)
    if (chunk === null) return this.#ports.soon(() => done(tree.node(name)))
    file.readAt(chunk.offset, chunk.bytes, (bytes) =>
      done(bytes === null ? null : chunkPart(bytes)),
    )
  }
}
