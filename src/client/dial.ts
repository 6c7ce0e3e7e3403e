/** How the client dials, unless it is told otherwise. */
import { connect } from '../rpc/channel.js'
import type { Channel } from '../rpc/types.js'

/** The largest range that a node sends in one answer. */
const RECEIVE_BYTES_MAX = 64 * 1024 * 1024

/** `connection`: channels with the same number share one. */
export function dialEndpoint(endpoint: string, connection?: number): Channel {
  return connect(endpoint, { receiveBytesMax: RECEIVE_BYTES_MAX }, connection)
}
