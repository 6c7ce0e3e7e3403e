/**
 * Bytes that were decoded already. Whoever sends a message reads it back to see that it can be read, and what goes to several is the
 * same bytes: each is read once. Nothing changes bytes on their way, what is damaged is a copy; nor does a core change a message.
 */

/** The oldest is forgotten: what arrives later is read anew. */
const KNOWN_MAX = 1_024

export function decodedOnce<M>(
  decode: (bytes: Uint8Array) => M | null,
): (bytes: Uint8Array) => M | null {
  const messages = new Map<Uint8Array, M | null>()
  // In the order in which they came, round and round. Looked for in the Map, the oldest would be found behind all gaps that those
  // before it have left.
  const known: Uint8Array[] = []
  let oldest = 0
  return (bytes) => {
    const before = messages.get(bytes)
    if (before !== undefined) return before
    const message = decode(bytes)
    messages.set(bytes, message)
    const forgotten = known[oldest]
    if (forgotten !== undefined) messages.delete(forgotten)
    known[oldest] = bytes
    oldest = (oldest + 1) % KNOWN_MAX
    return message
  }
}
