/** One stream of watches: what its client asks, and what it is told. */
import type {
  WatchCreateRequest,
  WatchRequest,
  WatchResponse,
} from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import type { Version } from '../../../machine/kv/history.js'
import { keyRange } from '../../../machine/kv/range.js'
import { eventOf, eventSize } from '../../../machine/watch/events.js'
import type { Watcher, WatchSink } from '../../../machine/watch/watcher.js'
import { Code, RpcError } from '../../../rpc/status.js'
import type { ServerStream } from '../../../rpc/types.js'
import type { Room, WatchParts } from './watch-service.js'

/** Of all watches of a stream; one more is refused. */
const WATCHES_MAX = 100_000
/** Of one response to a watch that asked for fragments; any other is sent whole. */
const FRAGMENT_BYTES = 1.5 * 1024 * 1024
/** Of whole revisions; what no stream could queue must not be built either. */
const RESPONSE_BYTES_MAX = 48 * 1024 * 1024
/** Stands for no watch of the stream, or for all of them. */
const NO_WATCH = -1
const NOPUT = 0
const NODELETE = 1

export class WatchStream implements WatchSink {
  readonly #stream: ServerStream<WatchRequest, WatchResponse>
  readonly #parts: WatchParts
  readonly #room: Room
  readonly #watchers = new Map<number, Watcher>()
  /** Told something since the last sign of life. */
  readonly #told = new Set<Watcher>()
  #nextId = 0
  #writable = true
  /** Progress was asked for: ends the waiting for it. */
  #awaited: (() => void) | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(stream: ServerStream<WatchRequest, WatchResponse>, parts: WatchParts, room: Room) {
    this.#stream = stream
    this.#parts = parts
    this.#room = room
  }

  get writable(): boolean {
    return this.#writable
  }

  open(): void {
    const stream = this.#stream
    const { hub, progressMs } = this.#parts
    this.#timer = setInterval(() => this.#signsOfLife(), progressMs)
    stream.onMessage((message) => this.#take(message))
    stream.onDrain(() => {
      this.#writable = true
      hub.drained(this)
    })
    stream.onClose(() => {
      this.#awaited?.()
      if (this.#timer !== null) clearInterval(this.#timer)
      for (const watcher of this.#watchers.values()) hub.remove(watcher)
      this.#room.left += this.#watchers.size
      this.#watchers.clear()
    })
  }

  events(watcher: Watcher, events: readonly Version[], revision: number): void {
    const { compactRevision } = this.#parts.source
    const size = (version: Version) => eventSize(version, watcher.prevKv, compactRevision)
    const bytes = events.reduce((sum, version) => sum + size(version), 0)
    if (bytes > RESPONSE_BYTES_MAX) {
      const text = `quorate: the changes of revision ${revision} are too large for one response`
      return this.#stream.fail(new RpcError(Code.RESOURCE_EXHAUSTED, text))
    }
    this.#told.add(watcher)
    const parts = watcher.fragment ? parted(events, size) : [events]
    for (const [i, part] of parts.entries())
      this.#send(watcher.id, revision, {
        events: part.map((version) => eventOf(version, watcher.prevKv, compactRevision)),
        fragment: i < parts.length - 1,
      })
  }

  compacted(watcher: Watcher, compactRevision: number): void {
    if (this.#watchers.delete(watcher.id)) this.#room.left++
    this.#send(watcher.id, 0, { canceled: true, compactRevision })
  }

  #take({ requestUnion }: WatchRequest): void {
    switch (requestUnion?.$case) {
      case 'createRequest':
        return this.#create(requestUnion.value)
      case 'cancelRequest':
        return this.#cancel(requestUnion.value.watchId)
      case 'progressRequest':
        this.#awaited ??= this.#parts.hub.onStep(() => this.#answerProgress())
        return this.#answerProgress()
      default:
        return
    }
  }

  #create(request: WatchCreateRequest): void {
    const { hub, source } = this.#parts
    // An empty key is the first of all.
    const key = request.key.length === 0 ? Uint8Array.of(0) : request.key
    const range = keyRange(key, request.rangeEnd)
    const reason = this.#refusal(request, range)
    if (reason !== null) {
      this.#send(NO_WATCH, source.revision, { created: true, canceled: true, cancelReason: reason })
      return
    }
    const id = request.watchId !== 0 ? request.watchId : this.#freeId()
    const watcher: Watcher = {
      id,
      range,
      noPut: request.filters.includes(NOPUT),
      noDelete: request.filters.includes(NODELETE),
      prevKv: request.prevKv,
      fragment: request.fragment,
      progressNotify: request.progressNotify,
      sink: this,
      next: request.startRevision > 0 ? request.startRevision : source.revision + 1,
    }
    this.#watchers.set(id, watcher)
    this.#room.left--
    this.#send(id, source.revision, { created: true })
    hub.add(watcher)
  }

  #refusal(request: WatchCreateRequest, range: { key: string; end: string | null }): string | null {
    const { end, key } = range
    if (end !== '' && end !== null && key >= end) return 'mvcc: watcher range is empty'
    if (request.startRevision < 0) return 'mvcc: required revision is negative'
    // 0 asks for an id of ours, also while the watch that was given 0 lives.
    const taken = request.watchId !== 0 && this.#watchers.has(request.watchId)
    if (request.watchId === NO_WATCH || taken)
      return 'mvcc: duplicate watch ID provided on the WatchStream'
    if (Math.abs(request.watchId) >= Number.MAX_SAFE_INTEGER)
      return 'quorate: a watch id above 2^53-2'
    if (this.#watchers.size >= WATCHES_MAX || this.#room.left <= 0)
      return 'etcdserver: too many requests'
    return null
  }

  #freeId(): number {
    while (this.#watchers.has(this.#nextId)) this.#nextId++
    return this.#nextId++
  }

  #cancel(id: number): void {
    const watcher = this.#watchers.get(id)
    if (watcher === undefined) return
    this.#watchers.delete(id)
    this.#room.left++
    this.#told.delete(watcher)
    this.#parts.hub.remove(watcher)
    this.#send(id, this.#parts.source.revision, { canceled: true })
  }

  /** Only once nothing at or below the revision is still to be told. */
  #answerProgress(): void {
    const { hub } = this.#parts
    if (this.#awaited === null || !hub.inStep(this)) return
    this.#awaited()
    this.#awaited = null
    this.#send(NO_WATCH, hub.told, {})
  }

  #signsOfLife(): void {
    const { hub } = this.#parts
    if (!hub.inStep(this)) return
    for (const watcher of this.#watchers.values())
      if (watcher.progressNotify && !this.#told.has(watcher) && watcher.next <= hub.told + 1)
        this.#send(watcher.id, hub.told, {})
    this.#told.clear()
  }

  #send(watchId: number, revision: number, more: Partial<WatchResponse>): void {
    const header = this.#parts.headers.of(revision)
    const written = this.#stream.write({
      header,
      watchId,
      created: false,
      canceled: false,
      compactRevision: 0,
      cancelReason: '',
      fragment: false,
      events: [],
      ...more,
    })
    this.#writable = written
  }
}

function parted(
  events: readonly Version[],
  size: (version: Version) => number,
): readonly Version[][] {
  const parts: Version[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const version of events) {
    if (bytes + size(version) > FRAGMENT_BYTES) {
      parts.push([])
      bytes = 0
    }
    parts[parts.length - 1]?.push(version)
    bytes += size(version)
  }
  return parts
}
