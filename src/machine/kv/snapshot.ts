/**
 * The store as chunks. Nothing is copied when a snapshot is captured: the store keeps versions, so the view
 * is a pair of revisions and a place in the log, and a pin that stops collection until the view is closed.
 *
 * Order: a header; the versions from below the compact revision that can still be read, by key; the events
 * from the compact revision on, as they were made; the leases as they were granted; the alarms; an end with counts. The header carries the state's hash,
 * which whoever restores computes anew.
 */
import { present } from '../../base/assert.js'
import { latin1Encode } from '../../base/latin1.js'
import { utf8Encode } from '../../base/utf8.js'
import { Writer } from '../../base/varint.js'
import { demand } from '../state-machine.js'
import type { Alarm } from './alarms.js'
import { lastIndexAt, type Version } from './history.js'
import type { LeaseRecord } from './leases.js'
import { CHUNK, FLAG_DELETED, FLAG_LEASE, MAGIC } from './snapshot-format.js'
import type { Store } from './store.js'

/** A chunk is closed once it has so many bytes; the last value may exceed it. */
const CHUNK_BYTES = 64 * 1024
/** Keys looked at in one pull, for those whose versions are all events give no bytes. */
const KEYS_PER_PULL = 4096
const { HEADER, BASE, EVENTS, LEASES, ALARMS, END } = CHUNK

/** An open snapshot: pull it to the end, or call `return`. */
export class SnapshotView implements IterableIterator<Uint8Array> {
  readonly #store: Store
  readonly #close: () => void
  readonly #revision: number
  readonly #compactRevision: number
  readonly #hash: string
  readonly #eventsEnd: number
  #stage: number = HEADER
  #nextKey = ''
  #nextEvent: number
  #bases = 0
  #events = 0
  readonly #alarms: readonly Alarm[]
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
    this.#alarms = store.alarms.list()
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
      case ALARMS:
        return this.#pullAlarms()
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

  #pullLeases(): Uint8Array | null {
    if (this.#leases.length === 0) {
      this.#stage = ALARMS
      return null
    }
    const out = new Writer(CHUNK_BYTES + 1024).byte(LEASES)
    while (this.#nextLease < this.#leases.length && out.length < CHUNK_BYTES) {
      const { id, ttl, deadline } = present(this.#leases[this.#nextLease++])
      out.chunk(latin1Encode(id)).varint(ttl).varint(deadline)
    }
    if (this.#nextLease === this.#leases.length) this.#stage = ALARMS
    return out.finish()
  }

  #pullAlarms(): Uint8Array | null {
    this.#stage = END
    if (this.#alarms.length === 0) return null
    const out = new Writer().byte(ALARMS)
    for (const { memberID, alarm } of this.#alarms) out.chunk(latin1Encode(memberID)).varint(alarm)
    return out.finish()
  }
}

function writeVersion(out: Writer, version: Version): void {
  const lease = version.lease === '0' ? 0 : FLAG_LEASE
  out.byte(version.deleted ? FLAG_DELETED : lease)
  out.chunk(latin1Encode(version.history.key)).varint(version.mod).varint(version.sub)
  if (version.deleted) return
  out.varint(version.create).varint(version.version)
  if (lease !== 0) out.chunk(latin1Encode(version.lease))
  out.chunk(version.value)
}
