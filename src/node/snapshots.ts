/**
 * A node's snapshots between the machine, the peers and the disk. The newest is kept, and the one before until the new
 * one's record is in the log; what a record names must be there, whole, or the node refuses to start.
 */
import { concat } from '../base/bytes.js'
import type { SnapshotSink, SnapshotSource } from '../communicator/types.js'
import type { SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { decodeSnapshotMeta, encodeSnapshotMeta } from '../consensus/raft/codec.js'
import type { TargetFile } from '../state-transfer/fetcher.js'
import { openFile, targetFile } from '../state-transfer/files.js'
import type { OpenFile } from '../state-transfer/shelf.js'
import type { FileError } from '../wal/file-system.js'
import { SNAPSHOT_CORRUPT } from '../wal/snapshot-reader.js'
import type { Receiving, SnapshotStore } from '../wal/snapshot-store.js'
import { dataRefused, diskFailed, type NodeError } from './errors.js'
import type { SnapshotFiles } from './machine-host.js'
import type { Loaded } from './recovery.js'

export interface SnapshotEvents {
  /** What is committed here needs no snapshot of a peer. */
  commitIndex(): number
  /** One of the own state is on disk, in so many seconds. */
  saved?(seconds: number): void
  /** A peer's snapshot is on disk, verified. */
  received(from: NodeId, snapshot: SnapshotMeta): void
  /** A file that is to be sent is damaged; what this node runs on is in memory. */
  unreadable(error: FileError): void
  /** The disk failed, or a snapshot that the log names is not there: the node must stop. */
  failed(error: FileError): void
}

/** What is damaged is for a person to put right; a disk that fails may work again. */
export function snapshotFailed(error: FileError): NodeError {
  return error.code === SNAPSHOT_CORRUPT ? dataRefused(error.message) : diskFailed(error.message)
}

export class Snapshots implements SnapshotFiles {
  readonly #store: SnapshotStore
  readonly #events: SnapshotEvents
  /** Indices being written or received: one file name, one writer. */
  readonly #writing = new Set<number>()
  #loaded: Loaded | null

  /** `loaded`: read and verified already, for the first that asks. */
  constructor(store: SnapshotStore, events: SnapshotEvents, loaded: Loaded | null = null) {
    this.#store = store
    this.#events = events
    this.#loaded = loaded
  }

  write(
    snapshot: SnapshotMeta,
    chunks: Iterable<Uint8Array>,
    done: (written: SnapshotMeta | null) => void,
  ): void {
    if (this.#writing.has(snapshot.index)) {
      setImmediate(() => done(null))
      return
    }
    this.#writing.add(snapshot.index)
    const from = performance.now()
    this.#store.write(snapshot.index, chunks, (error, file) => {
      this.#writing.delete(snapshot.index)
      if (error !== null || file === null) {
        if (error !== null) this.#events.failed(error)
        return done(null)
      }
      this.#events.saved?.((performance.now() - from) / 1000)
      done({ ...snapshot, digest: file.digest, bytes: file.bytes })
    })
  }

  read(snapshot: SnapshotMeta, done: (chunks: readonly Uint8Array[]) => void): void {
    const loaded = this.#loaded
    this.#loaded = null
    if (loaded?.snapshot.digest === snapshot.digest) {
      setImmediate(() => done(loaded.chunks))
      return
    }
    this.#store.read(snapshot, (error, chunks) => {
      if (error !== null || chunks === null) {
        if (error !== null) this.#events.failed(error)
        return
      }
      done(chunks)
    })
  }

  /** The log no longer needs what is older than this. */
  keepFrom(index: number): void {
    this.#store.removeBelow(index, (error) => {
      if (error !== null) this.#events.failed(error)
    })
  }

  openToSend(snapshot: SnapshotMeta, done: (source: SnapshotSource | null) => void): void {
    this.#store.openToSend(snapshot.index, (error, sending) => {
      if (error !== null || sending === null) {
        if (error !== null) this.#events.unreadable(error)
        return done(null)
      }
      done({
        meta: encodeSnapshotMeta(snapshot),
        bytesTotal: snapshot.bytes,
        read: (offset, length, read) =>
          sending.readAt(offset, length, (unread, bytes) => {
            if (unread !== null) this.#events.unreadable(unread)
            read(unread === null ? bytes : null)
          }),
        close: () => sending.close(),
      })
    })
  }

  /** A snapshot that comes in parts, each verified; null: not now. */
  openTarget(target: SnapshotMeta, done: (file: TargetFile | null) => void): void {
    if (this.#writing.has(target.index)) {
      setImmediate(() => done(null))
      return
    }
    this.#writing.add(target.index)
    const over = (): void => {
      this.#writing.delete(target.index)
    }
    const failed = (error: FileError): void => this.#events.failed(error)
    this.#store.receive(target.index, (error, receiving) => {
      if (error !== null) failed(error)
      if (receiving !== null) return done(targetFile(receiving, target, { failed, over }))
      over()
      done(null)
    })
  }

  /** To give out parts of it; null: it is not there. */
  openParts(index: number, done: (file: OpenFile | null) => void): void {
    const unreadable = (error: FileError): void => this.#events.unreadable(error)
    this.#store.openToSend(index, (error, reader) => {
      if (error !== null) unreadable(error)
      done(reader === null ? null : openFile(reader, unreadable))
    })
  }

  /** A string refuses it. */
  receive(from: NodeId, meta: Uint8Array, bytesTotal: number): SnapshotSink | string {
    const snapshot = decodeSnapshotMeta(meta)
    if (snapshot === null || snapshot.bytes !== bytesTotal) return 'malformed description'
    if (this.#isCovered(snapshot)) return 'all that it covers is committed here already'
    if (this.#writing.has(snapshot.index)) return 'this snapshot is being written here already'
    this.#writing.add(snapshot.index)
    return new Sink(this.#store, snapshot, {
      covered: () => this.#isCovered(snapshot),
      failed: (error) => this.#events.failed(error),
      over: (whole) => {
        this.#writing.delete(snapshot.index)
        if (whole) this.#events.received(from, snapshot)
      },
    })
  }

  /** A file at or below our commitIndex could replace one of our own, with another digest. */
  #isCovered(snapshot: SnapshotMeta): boolean {
    return snapshot.index <= this.#events.commitIndex()
  }
}

interface SinkEvents {
  covered(): boolean
  failed(error: FileError): void
  over(whole: boolean): void
}

/** One snapshot coming in. Chunks that come before the file is open wait, held short by the sender's window. */
class Sink implements SnapshotSink {
  readonly #snapshot: SnapshotMeta
  readonly #events: SinkEvents
  #receiving: Receiving | null = null
  #opened: (() => void) | null = null
  #over = false

  constructor(store: SnapshotStore, snapshot: SnapshotMeta, events: SinkEvents) {
    this.#snapshot = snapshot
    this.#events = events
    store.receive(snapshot.index, (error, receiving) => {
      if (error !== null || receiving === null) {
        if (error !== null) this.#events.failed(error)
        return
      }
      if (this.#over) return receiving.abort()
      this.#receiving = receiving
      this.#opened?.()
    })
  }

  chunk(offset: number, bytes: Uint8Array, done: (ok: boolean) => void): void {
    if (this.#over) return done(false)
    if (this.#receiving === null) {
      const kept = concat([bytes])
      this.#opened = () => this.chunk(offset, kept, done)
      return
    }
    if (offset !== this.#receiving.bytes) return done(false)
    this.#receiving.write(bytes, (error) => {
      if (error !== null) this.#events.failed(error)
      done(error === null)
    })
  }

  finish(done: (problem: string | null) => void): void {
    if (this.#over) return done('it was given up')
    if (this.#receiving === null) {
      this.#opened = () => this.finish(done)
      return
    }
    this.#over = true
    // It took its time: by now we may have a snapshot of our own under this name, which the log vouches for.
    if (this.#events.covered()) {
      this.#receiving.abort()
      this.#events.over(false)
      return done('all that it covers is committed here already')
    }
    this.#receiving.finish(this.#snapshot, (error) => {
      if (error !== null && error.code !== 'DIGEST') this.#events.failed(error)
      this.#events.over(error === null)
      done(error === null ? null : error.message)
    })
  }

  abort(): void {
    if (this.#over) return
    this.#over = true
    this.#receiving?.abort()
    this.#events.over(false)
  }
}
