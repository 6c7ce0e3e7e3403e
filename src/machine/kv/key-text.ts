/**
 * Keys as latin1 strings. A string joined byte by byte is a rope that must be flattened before a map can hash
 * it, at three times the price of making it from many bytes at once.
 */
const make = String.fromCharCode

/** The bytes from `from` to `to` as code units. */
export function keyText(bytes: Uint8Array, from = 0, to = bytes.length): string {
  if (to - from > 64) return longText(bytes, from, to)
  let out = ''
  let i = from
  for (; i + 16 <= to; i += 16) out += sixteen(bytes, i)
  if (i + 8 <= to) {
    out += eight(bytes, i)
    i += 8
  }
  for (; i < to; i++) out += make(bytes[i] as number)
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
  for (let at = from; at < to; at += 4096) {
    const slice = bytes.subarray(at, Math.min(at + 4096, to))
    out += make.apply(null, slice as unknown as number[])
  }
  return out
}
