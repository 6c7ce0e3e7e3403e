/**
 * The first byte of each gRPC message says whether it is compressed: 0 or 1. grpc-js takes every other value for 0, and 1
 * without an encoding for 0 too; etcd ends such a call. Bytes that are bad never reach the library.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'

const HEAD_BYTES = 5

/** Before grpc-js listens. `refuse` is called once, with etcd's text; what arrived in one piece with a bad flag is dropped. */
export function guardFlags(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  refuse: (text: string) => void,
): void {
  const encoding = headers['grpc-encoding'] ?? 'identity'
  const flags = new MessageFlags(encoding === 'identity' ? 0 : 1)
  let refused = false
  const emit = stream.emit
  // Not a listener of its own: it could look at bytes, but not keep them from the next.
  stream.emit = function (this: ServerHttp2Stream, event: string | symbol, ...args: unknown[]) {
    if (event === 'data' && !refused) {
      const bad = flags.read(args[0] as Uint8Array)
      if (bad !== null) {
        refused = true
        refuse(
          bad === 1
            ? 'grpc: compressed flag set with identity or empty encoding'
            : `grpc: received unexpected payload format ${bad}`,
        )
      }
    }
    if (refused && (event === 'data' || event === 'end')) return true
    return Reflect.apply(emit, this, [event, ...args])
  }
}

/** Finds where messages begin in bytes that come in any pieces. */
export class MessageFlags {
  readonly #max: number
  /** Of the message that is under way. */
  #head = 0
  #length = 0
  #left = 0

  constructor(max: 0 | 1) {
    this.#max = max
  }

  /** The first flag beyond the largest that is allowed; null: none in these bytes. */
  read(bytes: Uint8Array): number | null {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at)
        this.#left -= taken
        at += taken
        continue
      }
      const byte = bytes[at++] as number
      if (this.#head === 0) {
        if (byte > this.#max) return byte
        this.#length = 0
      } else this.#length = this.#length * 256 + byte
      this.#head++
      if (this.#head === HEAD_BYTES) {
        this.#head = 0
        this.#left = this.#length
      }
    }
    return null
  }
}
