/** CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), eight bytes a turn (slicing-by-8). */

const TABLES: readonly Uint32Array[] = makeTables()

function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  const first = tables[0] as Uint32Array
  for (let n = 0; n < 256; n++) {
    let crc = n
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[n] = crc >>> 0
  }
  for (let t = 1; t < 8; t++) {
    const before = tables[t - 1] as Uint32Array
    const table = tables[t] as Uint32Array
    for (let n = 0; n < 256; n++) {
      const crc = before[n] as number
      table[n] = (crc >>> 8) ^ (first[crc & 0xff] as number)
    }
  }
  return tables
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

/** The checksum of `bytes[from..to)`, continuing from `seed` (the checksum of what came before). */
export function crc32c(bytes: Uint8Array, seed = 0, from = 0, to = bytes.length): number {
  let crc = ~seed
  let i = from
  for (; i + 8 <= to; i += 8) {
    crc ^=
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    crc =
      (T7[crc & 0xff] as number) ^
      (T6[(crc >>> 8) & 0xff] as number) ^
      (T5[(crc >>> 16) & 0xff] as number) ^
      (T4[crc >>> 24] as number) ^
      (T3[bytes[i + 4] as number] as number) ^
      (T2[bytes[i + 5] as number] as number) ^
      (T1[bytes[i + 6] as number] as number) ^
      (T0[bytes[i + 7] as number] as number)
  }
  for (; i < to; i++) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[i] as number)) & 0xff] as number)
  return ~crc >>> 0
}
