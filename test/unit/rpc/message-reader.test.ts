/** Messages in bytes that come in any pieces. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageReader } from '../../../src/rpc/message-reader.js'
import { Room } from '../../../src/rpc/room.js'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { message } from './raw-frames.js'

const ROOM = 10_000

/** All that is found in these pieces, and the room that is left at the end. */
function read(pieces: readonly Buffer[], bytesMax = 1_000): { found: unknown[]; left: number } {
  const room = new Room(ROOM)
  const reader = new MessageReader(bytesMax, room)
  const found: unknown[] = []
  for (const piece of pieces) {
    reader.push(piece)
    for (let next = reader.next(); next !== null; next = reader.next()) {
      found.push(next instanceof RpcError ? next.code : next.toString())
      if (next instanceof RpcError) {
        reader.drop()
        return { found, left: room.left }
      }
    }
  }
  return { found, left: room.left }
}

test('in any pieces the same messages are found, and the room is given back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.nat({ max: 2_500 }), { maxLength: 30 }),
      (texts, cuts) => {
        const bytes = Buffer.concat(texts.map((text) => message(text)))
        const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length]
        const pieces: Buffer[] = []
        let from = 0
        for (const end of ends.sort((a, b) => a - b)) {
          pieces.push(bytes.subarray(from, end))
          from = end
        }
        expect(read(pieces)).toEqual({ found: texts, left: ROOM })
      },
    ),
  )
})

test('what is kept of a message is a copy of its own', () => {
  const reader = new MessageReader(1_000, new Room(ROOM))
  const piece = Buffer.concat([message('first'), message('second').subarray(0, 8)])
  reader.push(piece)
  const first = reader.next()
  expect(reader.next()).toBeNull()
  piece.fill(0)
  reader.push(message('second').subarray(8))
  expect([String(first), String(reader.next())]).toEqual(['first', 'second'])
})

test.each([
  ['a flag of compression', message('x', 1), Code.INTERNAL],
  ['an unknown flag', message('x', 7), Code.INTERNAL],
  ['a message that is too large', message('x'.repeat(1_001)), Code.RESOURCE_EXHAUSTED],
])('%s is a problem once its head is here, in one piece or byte by byte', (_, bytes, code) => {
  const good = message('good')
  expect(read([Buffer.concat([good, bytes])]).found).toEqual(['good', code])
  const single = [...Buffer.concat([good, bytes.subarray(0, 5)])].map((byte) => Buffer.from([byte]))
  expect(read(single)).toEqual({ found: ['good', code], left: ROOM })
})

test('a length that is announced takes no room before it has come', () => {
  const room = new Room(500)
  const reader = new MessageReader(1_000_000, room)
  const bytes = message('x'.repeat(900))
  reader.push(bytes.subarray(0, 100))
  expect(reader.next()).toBeNull()
  expect(room.left).toBe(400)
  reader.push(bytes.subarray(100))
  expect(reader.next()).toMatchObject({ code: Code.RESOURCE_EXHAUSTED })
  expect(room.wasShort()).toBe(true)
  reader.drop()
  expect(room.left).toBe(500)
})
