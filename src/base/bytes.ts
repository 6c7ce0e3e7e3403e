/** Helpers over Uint8Array that pure folders need; Buffer does not exist there. */

export const EMPTY: Uint8Array = new Uint8Array(0)

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * The same bytes as whoever keeps them may have them: a copy, if they lie in more than twice as much memory, which a view
 * would keep too. What is most of what it came in is no copy.
 */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return 2 * bytes.length < bytes.buffer.byteLength ? new Uint8Array(bytes) : bytes
}

/** Bytewise order, as etcd orders keys: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

export function toHex(bytes: Uint8Array): string {
  return toHexBetween(bytes, 0, bytes.length)
}

export function toHexBetween(bytes: Uint8Array, from: number, to: number): string {
  let out = ''
  let at = from
  // Four at a time: so short a piece is written out, where a longer one would be kept as a chain of its parts.
  for (; at + 4 <= to; at += 4) out += hexOf(bytes, at) + hexOf(bytes, at + 2)
  for (; at < to; at++) out += HEX[bytes[at] ?? 0]
  return out
}

/** Of two bytes. */
function hexOf(bytes: Uint8Array, at: number): string {
  return `${HEX[bytes[at] ?? 0]}${HEX[bytes[at + 1] ?? 0]}`
}

/** Reads what toHex wrote; null when the text is not hex of whole bytes. */
export function fromHex(text: string): Uint8Array | null {
  const out = new Uint8Array(text.length >> 1)
  return writeHex(out, 0, text) ? out : null
}

/** The bytes from `at` on, for which there is room; false when the text is not hex of whole bytes. */
export function writeHex(out: Uint8Array, at: number, text: string): boolean {
  const { length } = text
  if (length % 2 !== 0) return false
  for (let i = 0; i < length; i += 2) {
    const byte = (nibble(text.charCodeAt(i)) << 4) | nibble(text.charCodeAt(i + 1))
    if (byte < 0) return false
    out[at++] = byte
  }
  return true
}

/** -1 when it is no digit. */
function nibble(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
