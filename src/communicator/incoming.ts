/** The peer service: streams that peers open to us. A frame counts only after a Hello that was welcomed. */
import { crc32c } from '../base/crc32c.js'
import type { NodeId } from '../consensus/ids.js'
import {
  type ExchangeRequest,
  type ExchangeResponse,
  type Hello,
  type HelloReply,
  type PeerFrame,
  type Refusal,
  RefusalCode,
} from '../gen/quorate/peer/v1/peer.js'
import { peer } from '../rpc/services.js'
import { Code, RpcError } from '../rpc/status.js'
import { type Route, type ServerStream, streaming } from '../rpc/types.js'
import { makeReply, refusalName, refusalOf } from './handshake.js'
import type { Host } from './host.js'
import type { Objection } from './types.js'

/** Of a frame, beside its messages; and as much as they have. With more, each message is copied. */
const FRAME_REST_BYTES = 64 * 1024

type Stream = ServerStream<ExchangeRequest, ExchangeResponse>

const OBJECTIONS = {
  signature: RefusalCode.SIGNATURE,
  start: RefusalCode.START,
} as const satisfies { [K in Objection['code']]: RefusalCode }

interface Caller {
  readonly id: NodeId
  readonly incarnation: number
  readonly uid: string
}

/** Our answer to a Hello, and whether it is a welcome; a refusal is counted and told once. */
export function answerHello(host: Host, hello: Hello): { reply: HelloReply; welcome: boolean } {
  const refusal = refusalOf(host.identity, host.members, hello) ?? objectionTo(host, hello)
  const reply = makeReply(host.identity, hello, host.bootstrap, refusal)
  const known = host.members.has(hello.nodeId) ? hello.nodeId : '?'
  if (refusal === null) {
    host.log.welcomed(known)
    return { reply, welcome: true }
  }
  host.counters.refusals++
  // What a stranger says would be a new text each time, for whoever likes to fill logs.
  const text = known === '?' ? 'by a stranger to this cluster' : refusal.text
  host.log.tell({ type: 'peer-refused', peer: known, code: refusalName(refusal), text })
  return { reply, welcome: false }
}

function objectionTo(host: Host, { nodeId, uid, bootstrap }: Hello): Refusal | null {
  const objection = host.options.objection({ nodeId, uid, bootstrap })
  return objection === null ? null : { code: OBJECTIONS[objection.code], text: objection.text }
}

export class Incoming {
  readonly #host: Host
  /** The one stream of each peer that counts: the last that was welcomed. */
  readonly #current = new Map<NodeId, { readonly stream: Stream; readonly uid: string }>()
  readonly #bytesFrom = new Map<NodeId, number>()
  #closed = false

  constructor(host: Host) {
    this.#host = host
  }

  /** Of messages, since the start. */
  bytesFrom(id: NodeId): number {
    return this.#bytesFrom.get(id) ?? 0
  }

  route(): Route {
    return streaming(peer.exchange, (stream) => this.#accept(stream))
  }

  close(): void {
    this.#closed = true
    for (const { stream } of this.#current.values())
      stream.fail(new RpcError(Code.UNAVAILABLE, 'the node is stopping'))
    this.#current.clear()
  }

  /** The members' data directories have become known: streams of any other end. */
  recheck(): void {
    for (const [id, { stream, uid }] of this.#current)
      if ((this.#host.members.uidOf(id) ?? uid) !== uid)
        stream.fail(new RpcError(Code.FAILED_PRECONDITION, 'another data directory'))
  }

  #accept(stream: Stream): void {
    let caller: Caller | null = null
    const silent = setTimeout(
      () => stream.fail(new RpcError(Code.DEADLINE_EXCEEDED, 'no Hello')),
      this.#host.limits.handshakeMsMax,
    )
    stream.onMessage((message) => {
      const content = message.content
      if (content?.$case === 'hello') {
        const welcomed = this.#onHello(stream, caller, content.value)
        if (welcomed === null) return
        clearTimeout(silent)
        caller = welcomed
      } else if (caller === null || content === undefined) {
        stream.fail(new RpcError(Code.FAILED_PRECONDITION, 'the first message is a Hello'))
      } else {
        this.#onFrame(stream, caller.id, content.value)
      }
    })
    stream.onEnd(() => stream.end())
    stream.onClose(() => {
      clearTimeout(silent)
      // A stream that was replaced says nothing about its peer.
      if (caller === null || this.#current.get(caller.id)?.stream !== stream) return
      this.#current.delete(caller.id)
      if (!this.#closed) this.#host.options.onGone(caller.id)
    })
  }

  /** Null: refused; the stream is over. */
  #onHello(stream: Stream, before: Caller | null, hello: Hello): Caller | null {
    if (this.#closed) {
      stream.fail(new RpcError(Code.UNAVAILABLE, 'the node is stopping'))
      return null
    }
    const { reply, welcome } = answerHello(this.#host, hello)
    const sameAsBefore =
      before === null ||
      (before.id === hello.nodeId &&
        before.incarnation === hello.incarnation &&
        before.uid === hello.uid)
    if (!sameAsBefore) {
      stream.fail(new RpcError(Code.FAILED_PRECONDITION, 'a second Hello of somebody else'))
      return null
    }
    stream.write({ hello: reply })
    if (!welcome) {
      stream.end()
      return null
    }
    const replaced = this.#current.get(hello.nodeId)?.stream
    this.#current.set(hello.nodeId, { stream, uid: hello.uid })
    if (replaced !== undefined && replaced !== stream)
      replaced.fail(new RpcError(Code.ABORTED, 'replaced by a newer stream'))
    const { nodeId, uid, bootstrap, incarnation } = hello
    this.#host.options.onHello({ nodeId, uid, bootstrap })
    return { id: nodeId, incarnation, uid }
  }

  #onFrame(stream: Stream, from: NodeId, frame: PeerFrame): void {
    const { counters, formed, identity, options } = this.#host
    if (this.#current.get(from)?.stream !== stream) return
    let checksum = 0
    for (const bytes of frame.messages) checksum = crc32c(bytes, checksum)
    if (checksum !== frame.crc32c) {
      counters.corruptFrames++
      stream.fail(new RpcError(Code.DATA_LOSS, 'frame with a wrong checksum'))
      return
    }
    if (!formed) {
      counters.droppedUnformed += frame.messages.length
      return
    }
    if (frame.groupId !== identity.groupId) {
      counters.droppedUnknown += frame.messages.length
      return
    }
    counters.messagesReceived += frame.messages.length
    const padded = isPadded(frame.messages)
    for (const bytes of frame.messages) {
      counters.bytesReceived += bytes.length
      this.#bytesFrom.set(from, this.bytesFrom(from) + bytes.length)
      options.onMessage(from, padded ? new Uint8Array(bytes) : bytes)
    }
  }
}

/** Messages are views: one that waits would keep all that its frame has beside them, which no bound of the inbox counts. */
function isPadded(messages: readonly Uint8Array[]): boolean {
  let bytes = 0
  for (const message of messages) bytes += message.length
  const frame = messages[0]?.buffer.byteLength ?? 0
  return frame - bytes > Math.max(bytes, FRAME_REST_BYTES)
}
