/**
 * Looks over a message's fields before the generated decoder does, without recursion. Commands come from
 * anyone, and every node must refuse the same ones: a decoder that runs out of stack on deep nesting would
 * refuse at a depth that differs from node to node. Refused here: protobuf groups (which no message of ours
 * has), lengths that leave the message, and transactions nested deeper than TXN_DEPTH_MAX.
 */
import { Reader } from '../../base/varint.js'

/** Levels of transactions in a command, the outermost included. etcd's bound on operations gives 128. */
export const TXN_DEPTH_MAX = 48

export type Shape = 'flat' | 'txn' | 'op'

export type ScanResult = 'ok' | 'malformed' | 'too-deep'

export function scanMessage(bytes: Uint8Array, from: number, shape: Shape): ScanResult {
  const work = [{ from, to: bytes.length, shape, depth: 1 }]
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if (next.shape === 'txn' && next.depth > TXN_DEPTH_MAX) return 'too-deep'
    const reader = new Reader(bytes, next.from, next.to)
    while (reader.left > 0) {
      const tag = readTag(reader)
      if (!reader.ok) return 'malformed'
      const length = fieldLength(reader, tag & 7)
      if (length < 0 || length > reader.left) return 'malformed'
      const inner = (tag & 7) === 2 ? innerShape(next.shape, tag >>> 3) : 'flat'
      if (inner !== 'flat') {
        const depth = next.depth + (inner === 'txn' ? 1 : 0)
        work.push({ from: reader.at, to: reader.at + length, shape: inner, depth })
      } else if ((tag & 7) === 2 && next.shape !== 'flat') {
        work.push({ from: reader.at, to: reader.at + length, shape: 'flat', depth: next.depth })
      }
      reader.at += length
    }
  }
  return 'ok'
}

/** Bytes of the field's content behind what was read; -1 when there is no such field. */
function fieldLength(reader: Reader, wireType: number): number {
  switch (wireType) {
    case 0:
      return skipVarint(reader) ? 0 : -1
    case 1:
      return 8
    case 2: {
      const length = reader.varint()
      return reader.ok ? length : -1
    }
    case 5:
      return 4
    default:
      return -1
  }
}

function readTag(reader: Reader): number {
  const tag = reader.varint()
  if (tag < 8 || tag > 0xffff_ffff) reader.fail()
  return tag
}

/** Up to ten bytes: the numbers themselves may be negative or of 64 bits. */
function skipVarint(reader: Reader): boolean {
  for (let i = 0; i < 10; i++) {
    if (reader.left === 0) return false
    if (reader.byte() < 0x80) return true
  }
  return false
}

function innerShape(shape: Shape, field: number): Shape {
  if (shape === 'txn') return field === 2 || field === 3 ? 'op' : 'flat'
  if (shape === 'op') return field === 4 ? 'txn' : 'flat'
  return 'flat'
}
