/** Writes the messages of gRPC on an HTTP/2 stream, piece by piece, and tells of each when the socket has taken it. */
import type { ServerHttp2Stream } from 'node:http2'
import type { Share } from './open-calls.js'
import { isGone } from './refusal.js'

const HEAD_BYTES = 5
/**
 * So much of a message is written at once: how far its reader has come is then known. The answers of a session leave side
 * by side, so that none is far when there are many: then each has less on its way.
 */
const PIECE_BYTES_MAX = 256 * 1024
const PIECE_BYTES_MIN = 16 * 1024
const SESSION_BYTES = 1024 * 1024

export interface WriterEvents {
  /** So many bytes are with the system now, or went with the stream. */
  left(bytes: number): void
}

export class MessageWriter {
  readonly #stream: ServerHttp2Stream
  readonly #share: Share
  readonly #events: WriterEvents
  /** With the stream, or with its session, which may outlive it. */
  #underWay = 0
  #midMessage = false

  /** `share`: of its session. */
  constructor(stream: ServerHttp2Stream, share: Share, events: WriterEvents) {
    this.#stream = stream
    this.#share = share
    this.#events = events
  }

  get underWay(): number {
    return this.#underWay
  }

  /** Of a message that has begun to leave, pieces are left. */
  get isMidMessage(): boolean {
    return this.#midMessage
  }

  /** `last`: the answer ends with it. `written`: all of it has left, or will never. */
  write(bytes: Uint8Array, last: boolean, written: () => void): void {
    const frame = Buffer.allocUnsafe(HEAD_BYTES + bytes.length)
    frame[0] = 0
    frame.writeUInt32BE(bytes.length, 1)
    frame.set(bytes, HEAD_BYTES)
    this.#writePiece(frame, 0, last, written)
  }

  #writePiece(frame: Buffer, from: number, last: boolean, written: () => void): void {
    const stream = this.#stream
    const fair = Math.floor(SESSION_BYTES / Math.max(1, this.#share.calls))
    const piece = Math.max(PIECE_BYTES_MIN, Math.min(PIECE_BYTES_MAX, fair))
    const to = Math.min(from + piece, frame.length)
    const length = to - from
    this.#underWay += length
    this.#midMessage = to < frame.length
    stream.write(length === frame.length ? frame : frame.subarray(from, to), () => {
      this.#underWay -= length
      this.#share.moved++
      this.#events.left(length)
      if (to < frame.length && !isGone(stream)) this.#writePiece(frame, to, last, written)
      else written()
    })
    // At once: the end of the stream then travels with the piece.
    if (last && to === frame.length) stream.end()
  }
}
