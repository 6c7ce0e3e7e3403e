/** Writing protobuf by hand. Lengths are known beforehand; each write gives the offset behind it. */
import { varintLength, writeVarint } from '../base/varint.js'

/** Wire types. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** Of fields up to 15 it fits one byte. */
export const tag = (field: number, type: number): number => (field << 3) | type

export function numberLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value)
}

export function writeNumber(out: Uint8Array, at: number, field: number, value: number): number {
  if (value === 0) return at
  out[at++] = tag(field, VARINT)
  return writeVarint(out, at, value)
}

/** Of a field that is present, however short. */
export function chunkLength(length: number): number {
  return 1 + varintLength(length) + length
}

export function writeHead(out: Uint8Array, at: number, field: number, length: number): number {
  out[at++] = tag(field, BYTES)
  return writeVarint(out, at, length)
}

export function writeChunk(out: Uint8Array, at: number, field: number, bytes: Uint8Array): number {
  at = writeHead(out, at, field, bytes.length)
  out.set(bytes, at)
  return at + bytes.length
}
