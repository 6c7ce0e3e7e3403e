/** How the client dials, unless it is told otherwise. */
import { connect, type SharedConnection } from '../rpc/channel.js'
import type { Channel } from '../rpc/types.js'

/** The largest range that a node sends in one answer. */
const RECEIVE_BYTES_MAX = 64 * 1024 * 1024

export function dialEndpoint(endpoint: string, shared: SharedConnection | null = null): Channel {
  return connect(endpoint, { receiveBytesMax: RECEIVE_BYTES_MAX }, shared)
}
