/** A watch that outlives its streams: what breaks is opened again, behind what was told. */

import type {
  WatchCreateRequest,
  WatchRequest,
  WatchResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import type { Event, KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'
import { Code, RpcError } from '../../rpc/status.js'
import type { ClientStream } from '../../rpc/types.js'
import { type Heard, hear, reopened, type WatchPlace, watchFrom } from '../core/watch-resume.js'
import { ClientError, CompactedError } from '../errors.js'
import * as kv from '../kv.js'
import type { Calls } from './calls.js'
import { WATCH } from './methods.js'
import { failureOf } from './retry.js'

/** Batches that wait for whoever reads them; from then on the server is held back. */
const BATCHES_MAX = 64
/** Between a stream that broke and the next; growing while none comes up. */
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 1_000

export interface WatchOptions {
  /** Every key that starts with the key. */
  readonly prefix?: boolean
  /** Exclusive. */
  readonly rangeEnd?: kv.Bytes
  /** The first revision to tell of. Absent: what changes once the watch is made. */
  readonly startRevision?: number
  /** Tell what was there before, too, where it is not compacted away. */
  readonly prevKv?: boolean
  /** Now and then a batch without events where nothing changes: all up to its revision was told. */
  readonly progressNotify?: boolean
  /** Only this kind of change. */
  readonly only?: 'put' | 'delete'
  /** Ends the watch. */
  readonly signal?: AbortSignal
  /** Told when a stream breaks; the watch goes on elsewhere. */
  readonly onDisconnect?: (error: ClientError) => void
}

export interface WatchEvent {
  readonly type: 'put' | 'delete'
  /** Of a deletion: the key, and the revision that deleted it. */
  readonly kv: KeyValue
  readonly prevKv: KeyValue | null
}

/** One or more whole revisions, oldest first. */
export interface WatchBatch {
  /** All changes up to here were told; a watch that starts at the next one misses none. */
  readonly revision: number
  readonly events: readonly WatchEvent[]
}

type Waiting = (result: IteratorResult<WatchBatch, undefined>) => void

/**
 * Read it with `for await`. It ends when it is closed or its signal is aborted. It throws CompactedError when what is
 * next is compacted away, and ClientError when the cluster refuses it; whatever else happens to streams and nodes, it
 * goes on, with no change left out or told twice.
 */
export class Watch implements AsyncIterable<WatchBatch> {
  /** The store's revision when the watch was made. */
  readonly created: Promise<number>
  readonly #calls: Calls
  readonly #key: kv.Bytes
  readonly #options: WatchOptions
  readonly #batches: WatchBatch[] = []
  readonly #cleanUp: (() => void)[] = []
  #place: WatchPlace
  #stream: ClientStream<WatchResponse, WatchRequest> | null = null
  #waiting: { resolve: Waiting; reject: (error: Error) => void } | null = null
  #timer: NodeJS.Timeout | null = null
  #pauseMs = PAUSE_MS_MIN
  #ended: { readonly error: Error | null } | null = null
  #settleCreated: { resolve(revision: number): void; reject(error: Error): void } | null = null

  constructor(calls: Calls, key: kv.Bytes, options: WatchOptions) {
    this.#calls = calls
    this.#key = key
    this.#options = options
    this.#place = watchFrom(options.startRevision ?? 0)
    this.created = new Promise((resolve, reject) => {
      this.#settleCreated = { resolve, reject }
    })
    // Who does not ask when it was made is not to be told that it never was.
    this.created.catch(() => {})
    const { signal } = options
    if (signal !== undefined) {
      const onAbort = () => this.close()
      signal.addEventListener('abort', onAbort)
      this.#cleanUp.push(() => signal.removeEventListener('abort', onAbort))
    }
    this.#cleanUp.push(calls.onClose(() => this.close()))
    if (signal?.aborted === true || calls.closed) this.close()
    else this.#open()
  }

  /** The next batch; `done` after the end. One reader at a time. */
  next(): Promise<IteratorResult<WatchBatch, undefined>> {
    const batch = this.#batches.shift()
    if (batch !== undefined) {
      if (this.#batches.length < BATCHES_MAX) this.#stream?.resume()
      return Promise.resolve({ done: false, value: batch })
    }
    if (this.#ended !== null) return this.#end(this.#ended.error)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch, undefined> {
    return {
      next: () => this.next(),
      return: () => {
        this.close()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  /** What was told and not read yet can still be read. */
  close(): void {
    this.#finish(null)
  }

  #end(error: Error | null): Promise<IteratorResult<WatchBatch, undefined>> {
    return error === null
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error)
  }

  #open(): void {
    this.#place = reopened(this.#place)
    const { endpoint, stream } = this.#calls.stream(WATCH)
    this.#stream = stream
    // A server that takes the connection and then says nothing is left.
    this.#timer = setTimeout(() => {
      this.#timer = null
      stream.cancel()
    }, this.#calls.settings.requestTimeoutMs)
    stream.onMessage((response) => {
      if (this.#stream === stream) this.#take(response)
    })
    stream.onClose((error) => {
      if (this.#stream === stream) this.#broken(endpoint, error)
    })
    stream.write({ requestUnion: { $case: 'createRequest', value: this.#request() } })
    if (this.#batches.length >= BATCHES_MAX) stream.pause()
  }

  #request(): WatchCreateRequest {
    const { prefix, rangeEnd, prevKv, progressNotify, only } = this.#options
    const span = rangeEnd === undefined ? { prefix: prefix ?? false } : { rangeEnd }
    const { key, rangeEnd: end } = kv.rangeRequest(this.#key, span)
    return {
      key,
      rangeEnd: end,
      startRevision: this.#place.next,
      progressNotify: progressNotify ?? false,
      filters: only === undefined ? [] : [only === 'put' ? NODELETE : NOPUT],
      prevKv: prevKv ?? false,
      watchId: 0,
      fragment: false,
    }
  }

  #take(response: WatchResponse): void {
    const { place, heard } = hear(this.#place, response)
    this.#place = place
    this.#act(heard)
  }

  #act(heard: Heard): void {
    switch (heard.type) {
      case 'Created':
        this.#pauseMs = PAUSE_MS_MIN
        this.#stopTimer()
        this.#settleCreated?.resolve(heard.revision)
        return
      case 'Events':
        return this.#push({ revision: heard.revision, events: heard.events.flatMap(eventOf) })
      case 'Progress':
        return this.#push({ revision: heard.revision, events: [] })
      case 'Compacted':
        return this.#finish(new CompactedError(heard.compactRevision))
      case 'Refused':
        return this.#finish(new ClientError('InvalidRequest', heard.reason))
      case 'Ended':
        this.#stream?.cancel()
        return
      case 'Nothing':
    }
  }

  #push(batch: WatchBatch): void {
    const waiting = this.#waiting
    if (waiting !== null) {
      this.#waiting = null
      waiting.resolve({ done: false, value: batch })
      return
    }
    this.#batches.push(batch)
    if (this.#batches.length >= BATCHES_MAX) this.#stream?.pause()
  }

  #broken(endpoint: string, error: RpcError | null): void {
    this.#stopTimer()
    this.#stream = null
    const broken = error ?? new RpcError(Code.UNAVAILABLE, 'the server ended the stream')
    const failure = failureOf(broken, endpoint)
    if (failure.type === 'Refused') return this.#finish(failure.error)
    this.#options.onDisconnect?.(failure.error)
    if (this.#ended !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#open()
    }, this.#pauseMs)
    this.#pauseMs = Math.min(PAUSE_MS_MAX, 2 * this.#pauseMs)
  }

  #finish(error: Error | null): void {
    if (this.#ended !== null) return
    this.#ended = { error }
    this.#stopTimer()
    for (const undo of this.#cleanUp) undo()
    const stream = this.#stream
    this.#stream = null
    stream?.cancel()
    this.#settleCreated?.reject(error ?? new ClientError('Closed', 'the watch is closed'))
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting === null) return
    if (error === null) waiting.resolve({ done: true, value: undefined })
    else waiting.reject(error)
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}

const NOPUT = 0
const NODELETE = 1
const DELETE = 1

function eventOf(event: Event): WatchEvent[] {
  const { kv, prevKv } = event
  if (kv === undefined) return []
  return [{ type: event.type === DELETE ? 'delete' : 'put', kv, prevKv: prevKv ?? null }]
}
