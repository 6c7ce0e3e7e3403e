/** A request's body, whole and bounded. */
import type { IncomingMessage } from 'node:http'

/** What bodies that are being read may take together. */
export interface Room {
  left: number
}

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
      bytes += chunk.length
      room.left -= chunk.length
      if (bytes > bytesMax) return 'too large'
      if (room.left < 0) return 'no room'
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    room.left += bytes
  }
}
