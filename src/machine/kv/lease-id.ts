/** Lease ids are any 64 bits, so they are decimal strings inside; bigint appears only here. */

/** Bytes of the id as a varint. */
export function leaseLength(lease: string): number {
  let rest = BigInt.asUintN(64, BigInt(lease))
  let length = 1
  while (rest >= 0x80n) {
    rest >>= 7n
    length++
  }
  return length
}

export function writeLease(out: Uint8Array, from: number, lease: string): number {
  let rest = BigInt.asUintN(64, BigInt(lease))
  let at = from
  while (rest >= 0x80n) {
    out[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  out[at++] = Number(rest)
  return at
}

/** By number: negative, zero or positive. */
export function compareLeases(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Whether the text is one of an int64, as the decoder writes them. */
export function isLeaseId(text: string): boolean {
  return /^(0|-?[1-9][0-9]{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)
}
