/**
 * What changes in the store, as f+1 replicas say: read in the order, a page at a time, when somebody watches. Pages are
 * kept for those who are behind, up to a bound; an older one is asked for again.
 */
import { assert } from '../base/assert.js'
import { latin1Decode } from '../base/latin1.js'
import type { Event, KeyValue } from '../gen/etcd/api/mvccpb/kv.js'
import { ChangesRequest, ChangesResponse } from '../gen/quorate/kv/v1/kv.js'
import { CommandTag, encodeCommand } from '../machine/kv/commands.js'
import { GONE, type History, spanOf, Version } from '../machine/kv/history.js'
import { eventSize, type Pending, type WatchSource } from '../machine/watch/events.js'

/** Pages and bytes of them that are kept; beyond it the oldest go, but not the newest. */
const PAGES_MAX = 64
const PAGES_BYTES_MAX = 32 * 1024 * 1024
/** Pages of the past that are asked for at once. */
const FETCHES_MAX = 4
/** Of one revision; a larger one counts as compacted: no stream could be told of it. */
const REVISION_BYTES_MAX = 96 * 1024 * 1024
/** After an ask that failed. */
const AGAIN_MS = 200
/** Asks how far the store is, and for no change. */
const NOTHING = Number.MAX_SAFE_INTEGER
const DELETE = 1

export interface FeedParts {
  /** A query's result, at a place in the order: one byte of status, then the response. Throws RpcError. */
  ask(query: Uint8Array): Promise<Uint8Array>
  /** More is known than before. */
  changed(): void
}

interface Page {
  /** All changes of these revisions. */
  readonly from: number
  readonly through: number
  readonly versions: readonly Version[]
  readonly bytes: number
}

export class ChangeFeed implements WatchSource {
  readonly #parts: FeedParts
  /** Oldest fetched first. */
  #pages: Page[] = []
  readonly #fetching = new Set<number>()
  #again: NodeJS.Timeout | null = null
  #closed = false
  revision = 0
  compactRevision = -1

  constructor(parts: FeedParts) {
    this.#parts = parts
  }

  eventsSince(revision: number, eventsMax: number): Version[] | Pending | null {
    if (revision < this.compactRevision) return null
    if (revision > this.revision) return []
    const page = this.#pageOf(revision)
    if (page !== null) {
      const first = page.versions.findIndex(({ mod }) => mod >= revision)
      return page.versions.slice(first, first + eventsMax)
    }
    if (this.#fetching.size < FETCHES_MAX) this.#fetch(revision)
    return 'pending'
  }

  /** Somebody was answered at this revision. */
  saw(revision: number): void {
    if (revision <= this.revision) return
    this.revision = revision
    this.#parts.changed()
  }

  /** From now on `revision` is what it was when this was asked, or later. Throws RpcError. */
  async refresh(): Promise<void> {
    this.#note(await this.#ask(NOTHING, 0))
  }

  /** All up to `told` has been told: what is new? */
  poll(told: number): void {
    if (this.#pageOf(told + 1) === null) this.#fetch(told + 1)
  }

  close(): void {
    this.#closed = true
    if (this.#again !== null) clearTimeout(this.#again)
  }

  #pageOf(revision: number): Page | null {
    return this.#pages.find(({ from, through }) => from <= revision && revision <= through) ?? null
  }

  #fetch(from: number): void {
    if (this.#closed || this.#fetching.has(from)) return
    this.#fetching.add(from)
    this.#load(from).then(
      () => {
        this.#fetching.delete(from)
        this.#parts.changed()
      },
      () => {
        this.#fetching.delete(from)
        if (this.#closed) return
        this.#again ??= setTimeout(() => {
          this.#again = null
          this.#parts.changed()
        }, AGAIN_MS)
      },
    )
  }

  /** A page of whole revisions, whose first may take several asks. */
  async #load(from: number): Promise<void> {
    const versions: Version[] = []
    let bytes = 0
    for (let place = 0; ; ) {
      const response = await this.#ask(from, place)
      this.#note(response)
      if (from < response.compactRevision) return
      for (const event of response.events) {
        const version = versionOf(event, versions.length)
        bytes += eventSize(version, true, this.compactRevision)
        versions.push(version)
      }
      const { nextRevision, nextPlace } = response
      if (nextPlace === 0) {
        const through = nextRevision - 1
        if (versions.length > 0) this.#keep({ from, through, versions, bytes })
        return
      }
      assert(nextRevision === from && nextPlace > place, 'a part of a revision goes on within it')
      if (bytes > REVISION_BYTES_MAX) {
        this.compactRevision = Math.max(this.compactRevision, from + 1)
        return
      }
      place = nextPlace
    }
  }

  #keep(page: Page): void {
    this.#pages = this.#pages.filter(({ from }) => from !== page.from)
    this.#pages.push(page)
    let bytes = this.#pages.reduce((sum, one) => sum + one.bytes, 0)
    while (this.#pages.length > 1 && (this.#pages.length > PAGES_MAX || bytes > PAGES_BYTES_MAX))
      bytes -= this.#pages.shift()?.bytes ?? 0
  }

  async #ask(fromRevision: number, fromPlace: number): Promise<ChangesResponse> {
    const request = ChangesRequest.encode({ fromRevision, fromPlace }).finish()
    const result = await this.#parts.ask(encodeCommand(CommandTag.CHANGES, request))
    return ChangesResponse.decode(result)
  }

  #note({ header, compactRevision }: ChangesResponse): void {
    this.compactRevision = Math.max(this.compactRevision, compactRevision)
    this.saw(header?.revision ?? 0)
  }
}

/** With the pair before it, where there was one: what a watch may be told of is in the history of its own. */
function versionOf({ type, kv, prevKv }: Event, sub: number): Version {
  assert(kv !== undefined, 'an event is of a key')
  const versions: Version[] = []
  const history: History = { key: latin1Decode(kv.key), keyHashA: 0, keyHashB: 0, versions }
  if (prevKv !== undefined) versions.push(pairOf(history, prevKv, 0))
  const version =
    type === DELETE
      ? new Version(history, { mod: kv.modRevision, sub }, GONE, null)
      : pairOf(history, kv, sub)
  versions.push(version)
  return version
}

function pairOf(history: History, kv: KeyValue, sub: number): Version {
  const { createRevision: create, modRevision: mod, version, lease, value } = kv
  return new Version(history, { mod, sub }, { create, version, lease }, spanOf(value))
}
