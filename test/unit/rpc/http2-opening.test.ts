/** Connections that begin as those of gRPC's Go library do, byte by byte. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openingOf, PREFACE } from '../../../src/rpc/http2-opening.js'
import { unary } from '../../../src/rpc/types.js'
import { rawFrame, TYPE } from './raw-frames.js'
import { dial, echo, type World, world } from './support.js'

const { SETTINGS, HEADERS, DATA, RST_STREAM } = TYPE
const ACK = 1

/** A literal with incremental indexing, of a name in the static table. */
function literal(index: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40 | index, value.length]), Buffer.from(value)])
}

/** POST, http, then what is given. */
function headers(...more: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0x83, 0x86]), ...more])
}

const EMPTY_SETTINGS = rawFrame(SETTINGS, 0, 0)
const ACKNOWLEDGED = rawFrame(SETTINGS, ACK, 0)
const GO = Buffer.concat([PREFACE, EMPTY_SETTINGS])
const AUTHORITY = literal(1, 'http://127.0.0.1:2379')
const PATH = literal(4, '/test.Echo/Echo')
const KIND = literal(31, 'application/grpc')
const REQUEST = headers(AUTHORITY, PATH, KIND)
const NEUTRAL = headers(literal(1, 'q'), PATH, KIND)

describe('what is done with the first bytes', () => {
  const more = rawFrame(8, 0, 0, Buffer.alloc(4))
  test.each([
    ['half a preface', GO.subarray(0, 10), false, 'More'],
    ['a preface', PREFACE, false, 'More'],
    ['half a head', GO.subarray(0, 30), false, 'More'],
    ['Go', GO, false, 'Greet'],
    ['Go, and a window', Buffer.concat([GO, more]), false, 'Greet'],
    ['a preface that is none', Buffer.from('PRI * HTTP/3'), false, 'Ready'],
    ['another first frame', Buffer.concat([PREFACE, more]), false, 'Ready'],
    [
      'half of longer settings',
      Buffer.concat([PREFACE, rawFrame(4, 0, 0, Buffer.alloc(600)).subarray(0, 20)]),
      false,
      'Ready',
    ],
    ['settings', Buffer.concat([PREFACE, rawFrame(4, 0, 0, Buffer.alloc(6))]), false, 'Ready'],
    ['who asks at once', Buffer.concat([GO, rawFrame(HEADERS, 4, 1, REQUEST)]), false, 'Ready'],
    ['Go, greeted', GO, true, 'More'],
    ['a request, not acknowledged', Buffer.concat([GO, rawFrame(1, 4, 1, REQUEST)]), true, 'More'],
    ['too much, not acknowledged', Buffer.concat([GO, Buffer.alloc(70_000)]), true, 'Ready'],
    ['acknowledged', Buffer.concat([GO, ACKNOWLEDGED]), true, 'Idle'],
    ['and half a request', Buffer.concat([GO, ACKNOWLEDGED, REQUEST.subarray(0, 9)]), true, 'More'],
  ])('%s', (_, bytes, greeted, type) => {
    expect(openingOf(bytes, greeted).type).toBe(type)
  })

  const opened = (flags: number, block: Buffer): Buffer => {
    const bytes = [GO, ACKNOWLEDGED, rawFrame(HEADERS, flags, 1, block), rawFrame(DATA, 0, 1)]
    const opening = openingOf(Buffer.concat(bytes), true)
    if (opening.type !== 'Ready') throw new Error(opening.type)
    return opening.bytes
  }
  const passed = (flags: number, block: Buffer): Buffer =>
    Buffer.concat([GO, rawFrame(HEADERS, flags, 1, block), rawFrame(DATA, 0, 1)])

  test('the acknowledgement goes, and :authority is replaced', () => {
    expect(opened(4, REQUEST)).toEqual(passed(4, NEUTRAL))
  })

  test.each([
    ['behind names of its own', (at: Buffer) => [Buffer.from([0x40, 1, 0x61, 1, 0x62]), at]],
    ['behind an update of the table', (at: Buffer) => [Buffer.from([0x3f, 0xe1, 0x1f]), at]],
    ['behind what is never indexed', (at: Buffer) => [Buffer.from([0x1f, 0x08, 1, 0x62]), at]],
    ['behind an index beyond the static table', (at: Buffer) => [Buffer.from([0xff, 0x00]), at]],
  ])('%s', (_, around) => {
    const block = (value: string) => headers(...around(literal(1, value)), PATH)
    expect(opened(4, block('http://h:1'))).toEqual(passed(4, block('q')))
  })

  test('not indexed, and in any number of bytes', () => {
    const long = 'x'.repeat(300)
    const value = Buffer.concat([Buffer.from([0x01, 0x7f, 0xad, 0x01]), Buffer.from(long)])
    const short = Buffer.from([0x01, 1, 0x71])
    expect(opened(4, headers(value, PATH))).toEqual(passed(4, headers(short, PATH)))
  })

  test.each([
    ['none', 4, headers(PATH)],
    ['padded', 4 | 8, Buffer.concat([Buffer.from([0]), REQUEST])],
    ['with a priority', 4 | 32, Buffer.concat([Buffer.alloc(5), REQUEST])],
    ['continued', 0, REQUEST],
    ['a value beyond the frame', 4, headers(Buffer.from([0x41, 100, 0x61]))],
    ['a length that does not end', 4, headers(Buffer.from([0x41, 0x7f, 0xff, 0xff, 0xff, 0xff]))],
    ['an index that does not end', 4, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['nothing', 4, Buffer.alloc(0)],
  ])('left alone: %s', (_, flags, block) => {
    expect(opened(flags, block)).toEqual(passed(flags, block))
  })

  test('any bytes at all', () => {
    const start = Buffer.concat([GO, ACKNOWLEDGED])
    for (let i = 0; i < 20_000; i++) {
      const block = Buffer.from(Array.from({ length: 12 }, () => Math.floor(Math.random() * 256)))
      const bytes = Buffer.concat([start, rawFrame(HEADERS, 4, 1, block)])
      expect(openingOf(bytes, true).type).toBe('Ready')
    }
  })
})

describe('a connection', () => {
  let w: World
  afterEach(() => w.end())
  const routes = [unary(echo, (request: string) => request)]
  const message = Buffer.from([0, 0, 0, 0, 2, 0x68, 0x69])

  /** The frames that come until one of this type does. */
  async function until(socket: Socket, type: number): Promise<{ type: number; payload: Buffer }[]> {
    const frames: { type: number; payload: Buffer }[] = []
    for (;;) {
      const head: Buffer = await read(socket, 9)
      const payload = await read(socket, head.readUIntBE(0, 3))
      frames.push({ type: head[3] ?? -1, payload })
      if (head[3] === type || head[3] === RST_STREAM) return frames
    }
  }

  async function read(socket: Socket, count: number): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0)
    for (;;) {
      const bytes: Buffer | null = socket.read(count)
      if (bytes !== null) return bytes
      await once(socket, 'readable')
    }
  }

  test.each([
    ['all at once', (ack: Buffer, ask: Buffer) => [Buffer.concat([ack, ask])]],
    ['the request first', (ack: Buffer, ask: Buffer) => [Buffer.concat([ask, ack])]],
    [
      'byte by byte',
      (ack: Buffer, ask: Buffer) => [...Buffer.concat([ack, ask])].map((b) => Buffer.from([b])),
    ],
  ])('of a Go client whose endpoint is a URL is served: %s', async (_, parts) => {
    w = await world(routes)
    const socket = await dial(w.port)
    socket.write(GO)
    const [settings] = await until(socket, SETTINGS)
    expect(settings?.payload.length).toBe(18)
    const ask = (stream: number, block: Buffer) =>
      Buffer.concat([rawFrame(HEADERS, 4, stream, block), rawFrame(DATA, 1, stream, message)])
    for (const part of parts(ACKNOWLEDGED, ask(1, REQUEST))) {
      socket.write(part)
      await new Promise(setImmediate)
    }
    const data = (await until(socket, DATA)).at(-1)
    expect(data).toEqual({ type: DATA, payload: message })
    // The second names the authority of the first by its place in the table.
    socket.write(Buffer.concat([ACKNOWLEDGED, ask(3, headers(Buffer.from([0xc0, 0xbf, 0xbe])))]))
    expect((await until(socket, DATA)).at(-1)).toEqual({ type: DATA, payload: message })
    socket.destroy()
  })

  test('that was greeted and does not acknowledge is closed', async () => {
    w = await world(routes, { limits: { handshakeMsMax: 150 } })
    const socket = await dial(w.port)
    socket.write(Buffer.concat([GO, rawFrame(HEADERS, 4, 1, REQUEST)]).subarray(0, GO.length))
    socket.resume()
    await once(socket, 'close')
  })

  test('that asks nothing is handed over, and may ask later', async () => {
    w = await world(routes)
    const socket = await dial(w.port)
    socket.write(GO)
    await until(socket, SETTINGS)
    socket.write(ACKNOWLEDGED)
    // The SETTINGS of HTTP/2 itself.
    await until(socket, SETTINGS)
    const block = headers(literal(1, 'h:1'), PATH, KIND)
    socket.write(Buffer.concat([rawFrame(HEADERS, 4, 1, block), rawFrame(DATA, 1, 1, message)]))
    expect((await until(socket, DATA)).at(-1)?.payload).toEqual(message)
    socket.destroy()
  })
})
