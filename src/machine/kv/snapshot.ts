/**
 * The store as chunks. Nothing is copied when a snapshot is captured: the store keeps versions, so the view
 * is a pair of revisions and a place in the log, and a pin that stops collection until the view is closed.
 *
 * Order: a header; the versions from below the compact revision that can still be read, by key; the events
 * from the compact revision on, as they were made; the leases as they were granted; an end with counts. The header carries the state's hash,
 * which whoever restores computes anew.
 */
import { present } from '../../base/assert.js'
import { latin1Decode, latin1Encode, utf8Encode } from '../../base/utf8.js'
import { Reader, Writer } from '../../base/varint.js'
import { demand } from '../state-machine.js'
import { GONE, lastIndexAt, spanOf, Version } from './history.js'
import { keyText } from './key-text.js'
import { isLeaseId } from './lease-id.js'
import { LEASE_TTL_S_MAX, LEASE_TTL_S_MIN, type LeaseRecord } from './leases.js'
import { Store } from './store.js'

/** A chunk is closed once it has so many bytes; the last value may exceed it. */
const CHUNK_BYTES = 64 * 1024
/** Keys looked at in one pull, for those whose versions are all events give no bytes. */
const KEYS_PER_PULL = 4096
const MAGIC = utf8Encode('QKV2')

const HEADER = 1
const BASE = 2
const EVENTS = 3
const LEASES = 4
const END = 5

/** An open snapshot: pull it to the end, or call `return`. */
export class SnapshotView implements IterableIterator<Uint8Array> {
  readonly #store: Store
  readonly #close: () => void
  readonly #revision: number
  readonly #compactRevision: number
  readonly #hash: string
  readonly #eventsEnd: number
  #stage = HEADER
  #nextKey = ''
  #nextEvent: number
  #bases = 0
  #events = 0
  readonly #leases: readonly LeaseRecord[]
  #nextLease = 0
  #open = true
  #superseded = false

  /** `onClose` runs once. */
  constructor(store: Store, onClose: () => void) {
    this.#store = store
    this.#close = onClose
    this.#revision = store.revision
    this.#compactRevision = store.compactRevision
    this.#hash = store.hash()
    this.#nextEvent = store.log.firstAt(store.compactRevision)
    this.#eventsEnd = store.log.end
    this.#leases = store.leases.capture()
    store.pin()
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Uint8Array> {
    demand(!this.#superseded, 'too many snapshots open: this one was closed')
    while (this.#open) {
      const chunk = this.#pull()
      if (chunk !== null) return { done: false, value: chunk }
    }
    return { done: true, value: undefined }
  }

  return(): IteratorResult<Uint8Array> {
    if (this.#open) {
      this.#open = false
      this.#store.unpin()
      this.#close()
    }
    return { done: true, value: undefined }
  }

  /** Ends the view so that whoever pulls it does not take what it has for the whole. */
  supersede(): void {
    this.#superseded = this.#open
    this.return()
  }

  #pull(): Uint8Array | null {
    switch (this.#stage) {
      case HEADER: {
        const out = new Writer().byte(HEADER).raw(MAGIC).varint(this.#revision)
        out.varint(this.#compactRevision + 1).chunk(utf8Encode(this.#hash))
        this.#stage = BASE
        return out.finish()
      }
      case BASE:
        return this.#pullBase()
      case EVENTS:
        return this.#pullEvents()
      case LEASES:
        return this.#pullLeases()
      case END: {
        this.#stage = 0
        return new Writer()
          .byte(END)
          .varint(this.#bases)
          .varint(this.#events)
          .varint(this.#leases.length)
          .finish()
      }
      default:
        this.return()
        return null
    }
  }

  #pullBase(): Uint8Array {
    const out = new Writer(CHUNK_BYTES + 1024).byte(BASE)
    const from = this.#nextKey
    let keys = 0
    let stoppedAt: string | null = null
    this.#store.scanHistories(from, (history) => {
      if (keys++ === KEYS_PER_PULL || out.length >= CHUNK_BYTES) {
        stoppedAt = history.key
        return false
      }
      const at = lastIndexAt(history.versions, this.#compactRevision)
      const version = history.versions[at]
      if (version === undefined || version.mod >= this.#compactRevision || version.deleted)
        return true
      writeVersion(out, version)
      this.#bases++
      return true
    })
    if (stoppedAt === null) this.#stage = EVENTS
    else this.#nextKey = stoppedAt
    return out.finish()
  }

  #pullEvents(): Uint8Array {
    const out = new Writer(CHUNK_BYTES + 1024).byte(EVENTS)
    while (this.#nextEvent < this.#eventsEnd && out.length < CHUNK_BYTES) {
      writeVersion(out, this.#store.log.at(this.#nextEvent++))
      this.#events++
    }
    if (this.#nextEvent === this.#eventsEnd) this.#stage = LEASES
    return out.finish()
  }

  #pullLeases(): Uint8Array {
    const out = new Writer(CHUNK_BYTES + 1024).byte(LEASES)
    while (this.#nextLease < this.#leases.length && out.length < CHUNK_BYTES) {
      const { id, ttl, deadline } = present(this.#leases[this.#nextLease++])
      out.chunk(latin1Encode(id)).varint(ttl).varint(deadline)
    }
    if (this.#nextLease === this.#leases.length) this.#stage = END
    return out.finish()
  }
}

const FLAG_DELETED = 1
const FLAG_LEASE = 2

function writeVersion(out: Writer, version: Version): void {
  const lease = version.lease === '0' ? 0 : FLAG_LEASE
  out.byte(version.deleted ? FLAG_DELETED : lease)
  out.chunk(latin1Encode(version.history.key)).varint(version.mod).varint(version.sub)
  if (version.deleted) return
  out.varint(version.create).varint(version.version)
  if (lease !== 0) out.chunk(latin1Encode(version.lease))
  out.chunk(version.value)
}

/** A new store from the chunks of a view. Throws SnapshotError on anything else. */
export function restoreStore(chunks: Iterable<Uint8Array>): Store {
  const store = new Store()
  let stage = 0
  let hash = ''
  let bases = 0
  let events = 0
  for (const chunk of chunks) {
    const reader = new Reader(chunk)
    const kind = reader.byte()
    demand(stage === 0 ? kind === HEADER : kind >= stage, 'chunks of the store out of order')
    demand(stage < END, 'chunks behind the end of the store')
    stage = kind === HEADER ? BASE : kind
    switch (kind) {
      case HEADER:
        hash = readHeader(reader, store)
        break
      case BASE:
        while (reader.left > 0) bases += readBase(reader, store)
        break
      case EVENTS:
        while (reader.left > 0) events += readEvent(reader, store)
        break
      case LEASES:
        while (reader.left > 0) readLease(reader, store)
        break
      case END:
        demand(
          reader.varint() === bases &&
            reader.varint() === events &&
            reader.varint() === store.leases.size,
          'number of keys, events or leases differs from what the snapshot counted',
        )
        break
      default:
        demand(false, `chunk of unknown kind ${kind}`)
    }
    demand(reader.ok && reader.left === 0, 'malformed chunk of the store')
  }
  demand(stage === END, 'the store ends too early')
  const last = store.log.last()
  demand(last === null || last.mod <= store.revision, 'event above the store revision')
  attachAll(store)
  store.rebaseHash()
  demand(store.hash() === hash, 'hash of the restored store differs from the snapshot')
  return store
}

function readHeader(reader: Reader, store: Store): string {
  const magic = reader.take(MAGIC.length)
  demand(latin1Decode(magic) === latin1Decode(MAGIC), 'no snapshot of a key-value store')
  store.revision = reader.varint()
  store.compactRevision = reader.varint() - 1
  const hash = latin1Decode(reader.chunk())
  demand(reader.ok, 'malformed header of the store')
  demand(store.revision >= 1, 'revision 0')
  demand(store.compactRevision <= store.revision, 'compacted above the revision')
  return hash
}

/** The next version; its value is copied, it is not yet in the store. */
function readVersion(reader: Reader, store: Store): Version {
  const flags = reader.byte()
  const key = keyText(reader.chunk())
  const mod = reader.varint()
  const sub = reader.varint()
  demand(reader.ok && key !== '' && flags <= FLAG_LEASE, 'malformed version')
  const history = store.historyOf(key)
  if (flags === FLAG_DELETED) return new Version(history, { mod, sub }, GONE, null)
  const create = reader.varint()
  const version = reader.varint()
  const lease = flags === FLAG_LEASE ? latin1Decode(reader.chunk()) : '0'
  const value = reader.chunk()
  demand(reader.ok, 'malformed version')
  demand(create >= 2 && create <= mod && version >= 1, 'impossible version')
  demand(isLeaseId(lease), 'malformed lease id')
  const kept = store.copyValue(spanOf(value))
  return new Version(history, { mod, sub }, { create, version, lease }, kept)
}

function readLease(reader: Reader, store: Store): void {
  const id = latin1Decode(reader.chunk())
  const ttl = reader.varint()
  const deadline = reader.varint()
  demand(reader.ok && isLeaseId(id) && id !== '0', 'malformed lease')
  demand(ttl >= LEASE_TTL_S_MIN && ttl <= LEASE_TTL_S_MAX, 'impossible TTL of a lease')
  demand(store.leases.get(id) === null, 'a lease twice')
  store.leases.add({ id, ttl, deadline })
}

/** What is attached to a lease follows from the keys that name it. */
function attachAll(store: Store): void {
  store.scanHistories('', ({ key }) => {
    const lease = store.get(key)?.lease ?? '0'
    if (lease === '0') return true
    demand(store.leases.get(lease) !== null, 'a key of a lease that is not there')
    store.leases.move(key, '0', lease)
    return true
  })
}

function readBase(reader: Reader, store: Store): number {
  const version = readVersion(reader, store)
  demand(!version.deleted && version.mod < store.compactRevision, 'impossible base version')
  demand(version.history.versions.length === 0, 'a key twice among the base versions')
  store.appendBase(version)
  return 1
}

function readEvent(reader: Reader, store: Store): number {
  const event = readVersion(reader, store)
  const { mod, sub } = event
  const last = store.log.last()
  demand(mod >= Math.max(2, store.compactRevision), 'event below the compact revision')
  if (last !== null)
    demand(mod > last.mod || (mod === last.mod && sub > last.sub), 'events out of order')
  const versions = event.history.versions
  const before = versions[versions.length - 1]
  const live = before !== undefined && !before.deleted
  if (event.deleted) {
    demand(live || mod === store.compactRevision, 'deletes a key that is not there')
  } else if (mod > store.compactRevision) {
    demand(event.version === (live ? before.version + 1 : 1), 'version does not follow')
    demand(event.create === (live ? before.create : mod), 'creation does not follow')
  }
  store.append(event)
  return 1
}
