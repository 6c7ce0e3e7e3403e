/** Every bound of the transport, always set: Node and grpc-js have most of them unlimited by default. */
import type { CallBounds } from './open-calls.js'

const KIB = 1024
const MIB = 1024 * KIB

export interface ServerLimits extends CallBounds {
  /** Calls at once on one connection; more wait at the client. */
  readonly streamsPerConnectionMax: number
  /** All headers of a call; beyond it the call is refused. */
  readonly headerBytesMax: number
  /** Of one connection's HTTP/2 session. */
  readonly sessionMiBMax: number
  /** A further connection is closed at once. */
  readonly connectionsMax: number
  /** From accept to a whole HTTP/2 preface or HTTP/1.1 request head; then the socket is closed. */
  readonly handshakeMsMax: number
  /** A connection idle for so long is asked for a sign of life, and closed without one. */
  readonly keepaliveMs: number
  readonly keepaliveTimeoutMs: number
  /** What one connection may have sent that we have not read yet; half of it on one stream. */
  readonly windowBytes: number
  /** Queued bytes of a stream beyond which `write` says false. */
  readonly streamHighWaterBytes: number
  /** Queued bytes beyond which the stream fails with RESOURCE_EXHAUSTED: its writer did not listen. */
  readonly streamQueuedBytesMax: number
}

/** A request of 1.5 MiB, as etcd allows, and what wraps it. */
export const CLIENT_PORT_LIMITS: ServerLimits = {
  receiveBytesMax: 1.5 * MIB + 512 * KIB,
  streamsPerConnectionMax: 1_024,
  headerBytesMax: 16 * KIB,
  sessionMiBMax: 64,
  connectionsMax: 2_048,
  handshakeMsMax: 5_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  windowBytes: MIB,
  streamHighWaterBytes: 256 * KIB,
  streamQueuedBytesMax: 64 * MIB,
  callsMax: 131_072,
  receivingBytesMax: 256 * MIB,
  unreadBytesMax: 1_024 * MIB,
  stallMsMax: 30_000,
}

/** Few callers that say much. */
export const PEER_PORT_LIMITS: ServerLimits = {
  ...CLIENT_PORT_LIMITS,
  receiveBytesMax: 8 * MIB,
  streamsPerConnectionMax: 16,
  connectionsMax: 256,
  keepaliveMs: 2_000,
  keepaliveTimeoutMs: 4_000,
  windowBytes: 8 * MIB,
  streamHighWaterBytes: 8 * MIB,
}

export interface ChannelLimits {
  readonly receiveBytesMax: number
  readonly keepaliveMs: number
  readonly keepaliveTimeoutMs: number
  /** Between attempts to reconnect, growing. */
  readonly backoffMsMin: number
  readonly backoffMsMax: number
  /** Of one connection, and of one stream. */
  readonly windowBytes: number
  readonly streamHighWaterBytes: number
  /** Queued bytes beyond which the stream fails with RESOURCE_EXHAUSTED: its writer did not listen. */
  readonly streamQueuedBytesMax: number
}

export const CHANNEL_LIMITS: ChannelLimits = {
  receiveBytesMax: 8 * MIB,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 5_000,
  backoffMsMin: 50,
  backoffMsMax: 2_000,
  windowBytes: MIB,
  streamHighWaterBytes: 256 * KIB,
  streamQueuedBytesMax: 64 * MIB,
}

/** As they are told in SETTINGS. */
export interface Http2Bounds {
  readonly maxConcurrentStreams: number
  readonly maxHeaderListSize: number
  readonly initialWindowSize: number
}

export function http2BoundsOf(limits: ServerLimits): Http2Bounds {
  return {
    maxConcurrentStreams: limits.streamsPerConnectionMax,
    maxHeaderListSize: limits.headerBytesMax,
    initialWindowSize: Math.max(65_535, Math.floor(limits.windowBytes / 2)),
  }
}
