/** A request's body, whole and bounded. */
import type { IncomingMessage } from 'node:http'

/** Null: more than `bytesMax`; then the connection is of no use any more. Rejects when the caller breaks off. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) return null
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
