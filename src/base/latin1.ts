/**
 * Latin1, both ways: a string whose code units are bytes, 0 to 255. JavaScript compares such strings bytewise, and a map
 * can have them for keys.
 */

const make = String.fromCharCode

/** From here on, which is a digest's length, one call with an array: twice the time, and never a chain. */
const WHOLE_MIN = 32
/** Of arguments in one call. */
const SLICE = 4096

/**
 * The bytes from `from` to `to` as code units. Many at once: a string that is joined byte by byte is kept as a chain with a
 * link for each byte, at ten times the memory, through all of which the collector walks.
 */
export function latin1Decode(bytes: Uint8Array, from = 0, to = bytes.length): string {
  if (to - from >= WHOLE_MIN) return longText(bytes, from, to)
  let out = ''
  let at = from
  if (at + 16 <= to) {
    out += sixteen(bytes, at)
    at += 16
  }
  if (at + 8 <= to) {
    out += eight(bytes, at)
    at += 8
  }
  if (at === to) return out
  // So short a piece is written out and not kept as a chain.
  let rest = ''
  for (; at < to; at++) rest += make(bytes[at] as number)
  return out + rest
}

export function latin1Encode(text: string): Uint8Array {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i)
  return out
}

function sixteen(b: Uint8Array, i: number): string {
  return make(
    b[i] as number,
    b[i + 1] as number,
    b[i + 2] as number,
    b[i + 3] as number,
    b[i + 4] as number,
    b[i + 5] as number,
    b[i + 6] as number,
    b[i + 7] as number,
    b[i + 8] as number,
    b[i + 9] as number,
    b[i + 10] as number,
    b[i + 11] as number,
    b[i + 12] as number,
    b[i + 13] as number,
    b[i + 14] as number,
    b[i + 15] as number,
  )
}

function eight(b: Uint8Array, i: number): string {
  return make(
    b[i] as number,
    b[i + 1] as number,
    b[i + 2] as number,
    b[i + 3] as number,
    b[i + 4] as number,
    b[i + 5] as number,
    b[i + 6] as number,
    b[i + 7] as number,
  )
}

function longText(bytes: Uint8Array, from: number, to: number): string {
  let out = ''
  for (let at = from; at < to; at += SLICE) {
    const slice = bytes.subarray(at, Math.min(at + SLICE, to))
    out += make.apply(null, slice as unknown as number[])
  }
  return out
}
