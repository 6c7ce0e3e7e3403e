/** A snapshot of the whole machine: a head, the sessions, the inner machine's chunks as it gave them, an end. */
import { latin1Decode } from '../base/latin1.js'
import { utf8Encode } from '../base/utf8.js'
import { Reader, Writer } from '../base/varint.js'
import { FrameReader, FrameWriter } from './frames.js'
import { SessionsReader, writeSessions } from './session-records.js'
import { Sessions, type SessionsView } from './sessions.js'
import { demand, SnapshotError, type StateMachine } from './state-machine.js'

const MAGIC = utf8Encode('QRM1')

const HEAD = 1
const SESSIONS = 2
const CHUNK = 3

/** Where in the order a snapshot stands. */
export interface Place {
  readonly appliedIndex: number
  readonly time: number
  readonly ordinal: number
}

/**
 * Everything it reads was captured before; `onClose` runs once, also when it is never pulled. The inner machine's first
 * chunk is pulled at once, since a generator that was not started has captured nothing:
 * 1. A machine of the user's has `*snapshot() { yield this.#encode() }`, called behind entry 10. 2. The file is opened, and
 * 11 is applied meanwhile. 3. The body runs at the first pull: the file of 10 holds 11, which the log then adds again.
 */
export function writeSnapshot(
  place: Place,
  view: SessionsView,
  inner: Iterable<Uint8Array>,
  onClose: () => void,
): IterableIterator<Uint8Array> {
  const chunks = inner[Symbol.iterator]()
  const pieces = writePieces(place, view, { first: chunks.next(), chunks })
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    onClose()
    // A generator that was never started runs no `finally`, so this does not rely on one.
    chunks.return?.()
  }
  return {
    [Symbol.iterator]() {
      return this
    },
    next() {
      if (!open) return { done: true, value: undefined }
      const result = pieces.next()
      if (result.done === true) close()
      return result
    },
    return() {
      close()
      return { done: true, value: undefined }
    },
  }
}

function* writePieces(
  place: Place,
  view: SessionsView,
  {
    first,
    chunks,
  }: { readonly first: IteratorResult<Uint8Array>; readonly chunks: Iterator<Uint8Array> },
): Generator<Uint8Array, undefined> {
  const frames = new FrameWriter()
  const head = new Writer(64).raw(MAGIC).varint(place.appliedIndex).varint(place.time)
  yield* frames.frame(HEAD, head.varint(place.ordinal).varint(view.size).finish())
  for (const batch of writeSessions(view)) yield* frames.frame(SESSIONS, batch)
  for (let next = first; next.done !== true; next = chunks.next())
    yield* frames.frame(CHUNK, next.value)
  yield frames.end()
}

/**
 * Reads everything into a new table and lets the inner machine restore itself; that is the last thing that
 * can fail, and it is told of the end only once the checksum has matched.
 */
export function readSnapshot(
  chunks: Iterable<Uint8Array>,
  inner: StateMachine,
  sessionIdleMs: number,
): { place: Place; sessions: Sessions } {
  const frames = new FrameReader(chunks)
  const head = frames.next()
  demand(head !== null && head.kind === HEAD, 'no snapshot of a replicated machine')
  const { place, sessionCount } = readHead(head.payload)
  const sessions = new Sessions(sessionIdleMs)
  const reader = new SessionsReader(sessions, place.ordinal, place.time)
  let next = frames.next()
  for (; next !== null && next.kind === SESSIONS; next = frames.next()) reader.batch(next.payload)
  reader.finish()
  demand(sessions.size === sessionCount, 'number of sessions differs from what the head says')
  let whole = false
  function* innerChunks(): Iterable<Uint8Array> {
    for (; next !== null; next = frames.next()) {
      demand(next.kind === CHUNK, `frame of unknown kind ${next.kind}`)
      yield next.payload
    }
    whole = true
  }
  inner.restore(innerChunks())
  if (!whole) throw new SnapshotError('the machine did not read its snapshot to the end')
  return { place, sessions }
}

function readHead(payload: Uint8Array): { place: Place; sessionCount: number } {
  const reader = new Reader(payload)
  const magic = latin1Decode(reader.take(MAGIC.length))
  demand(magic === latin1Decode(MAGIC), 'no snapshot of a replicated machine')
  const appliedIndex = reader.varint()
  const time = reader.varint()
  const ordinal = reader.varint()
  const sessionCount = reader.varint()
  demand(reader.ok && reader.left === 0, 'malformed head of the snapshot')
  return { place: { appliedIndex, time, ordinal }, sessionCount }
}
