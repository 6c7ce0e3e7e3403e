/** A request's body, whole and bounded. */
import type { IncomingMessage } from 'node:http'
import type { Room } from '../room.js'

/**
 * With more than `bytesMax`, or without room for it, the connection is of no use any more. Rejects when the caller
 * breaks off.
 */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
  room: Room,
): Promise<string | 'too large' | 'no room'> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return 'too large'
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      if (bytes + chunk.length > bytesMax) return 'too large'
      if (!room.take(chunk.length)) return 'no room'
      bytes += chunk.length
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    room.give(bytes)
  }
}
