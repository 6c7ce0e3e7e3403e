/**
 * The transport wall: services and clients are written against these types, never against a library's. Below the
 * wall are Node's HTTP/2 for servers and @grpc/grpc-js for clients; another transport may take their place without a
 * change above.
 */
import type { RpcError } from './status.js'

export interface Codec<T> {
  encode(message: T): Uint8Array
  /** May throw: the caller then gets INVALID_ARGUMENT. The message may keep views of the bytes. */
  decode(bytes: Uint8Array): T
}

export interface UnaryMethod<Req, Res> {
  readonly kind: 'unary'
  /** `/package.Service/Method` */
  readonly path: string
  readonly request: Codec<Req>
  readonly response: Codec<Res>
}

/** Streams of either or both ways; on the wire they are the same. */
export interface StreamMethod<Req, Res> {
  readonly kind: 'stream'
  readonly path: string
  readonly request: Codec<Req>
  readonly response: Codec<Res>
  /**
   * Messages of both ways hold nothing but repeated fields: two encodings one after the other are one message
   * with both contents. Then what queues up travels as one, and costs as one.
   */
  readonly joins: boolean
  /** Of a caller's first message, where less may be said before he is known; a larger one ends the call. */
  readonly firstBytesMax?: number
}

/** What a handler knows of its call besides the request. */
export interface CallContext {
  /** `address:port` of the caller. */
  readonly peer: string
  /** Until the caller gives up; Infinity without a deadline. The server ends the call by itself then. */
  remainingMs(): number
  /** The caller is gone, or the deadline has passed: an answer would reach nobody. */
  readonly cancelled: boolean
  /** Runs once, when that happens before the call has ended; at once if it already has. */
  onCancelled(callback: () => void): void
  /** The first value under a lower-case key. */
  metadata(key: string): string | undefined
  /** Sent with the status, whatever it is; an RpcError's own trailers win. */
  setTrailer(key: string, value: string): void
}

/** Throws RpcError (or rejects with it) for anything but OK. */
export type UnaryHandler<Req, Res> = (request: Req, context: CallContext) => Res | Promise<Res>

export type StreamHandler<Req, Res> = (stream: ServerStream<Req, Res>, context: CallContext) => void

/** A method with its handler, whose types are no longer visible. Made by `unary` and `streaming`. */
export type Route =
  | {
      readonly kind: 'unary'
      readonly method: UnaryMethod<unknown, unknown>
      readonly handler: UnaryHandler<unknown, unknown>
    }
  | {
      readonly kind: 'stream'
      readonly method: StreamMethod<unknown, unknown>
      readonly handler: StreamHandler<unknown, unknown>
    }

export function unary<Req, Res>(
  method: UnaryMethod<Req, Res>,
  handler: UnaryHandler<Req, Res>,
): Route {
  // Decode gives what handle takes: the pair stays together, so the types may be forgotten.
  return { kind: 'unary', method, handler } as Route
}

export function streaming<Req, Res>(
  method: StreamMethod<Req, Res>,
  handler: StreamHandler<Req, Res>,
): Route {
  return { kind: 'stream', method, handler } as Route
}

/**
 * One side of an open stream. Callbacks are set once, in the turn in which the stream is handed out: messages
 * wait until then. None of them runs inside a call of `write`, `end`, `fail` or `cancel`.
 */
interface MessageStream<In, Out> {
  /**
   * False: over the mark; nothing is lost, but stop until `onDrain`. Who goes on all the same fails the stream
   * with RESOURCE_EXHAUSTED when a further bound is reached. After the end it does nothing.
   */
  write(message: Out): boolean
  /** Bytes given to `write` that have not left for the socket yet. */
  readonly queuedBytes: number
  onDrain(callback: () => void): void
  onMessage(callback: (message: In) => void): void
  /** The other side will write no more. */
  onEnd(callback: () => void): void
  /** The call is over, once: null means OK. After it nothing else comes. */
  onClose(callback: (error: RpcError | null) => void): void
  /** Stops and resumes `onMessage`; the sender is held back by flow control. A few messages may still come. */
  pause(): void
  resume(): void
  /** Client: no more writes. Server: the call ends OK once all is sent. */
  end(): void
}

export interface ServerStream<In, Out> extends MessageStream<In, Out> {
  fail(error: RpcError): void
}

export interface ClientStream<In, Out> extends MessageStream<In, Out> {
  cancel(): void
}

export interface CallOptions {
  /** From now on; absent: no deadline. */
  readonly timeoutMs?: number
  readonly metadata?: Readonly<Record<string, string>>
}

export type ChannelState = 'idle' | 'connecting' | 'ready' | 'failed' | 'closed'

/** Connections to one endpoint. Calls fail at once (UNAVAILABLE) while it cannot be reached. */
export interface Channel {
  /** `host:port` */
  readonly endpoint: string
  readonly state: ChannelState
  /** Rejects with RpcError, with nothing else. */
  unary<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options?: CallOptions): Promise<Res>
  stream<Req, Res>(method: StreamMethod<Req, Res>, options?: CallOptions): ClientStream<Res, Req>
  /** Ends every call. */
  close(): void
}

export interface Listening {
  readonly host: string
  readonly port: number
}

export interface Server {
  /** Rejects with the system's error (EADDRINUSE, EACCES ...). */
  listen(host: string, port: number): Promise<Listening>
  readonly address: Listening | null
  /** No new calls; those that run get `graceMs` to end, then they are cut off. */
  close(graceMs: number): Promise<void>
}
