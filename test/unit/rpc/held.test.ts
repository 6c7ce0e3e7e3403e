/** What callers make a server hold who send half a request, read nothing of an answer, or go without a word. */
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import {
  type AddressInfo,
  createServer as createTcp,
  connect as dialTcp,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { PREFACE } from '../../../src/rpc/http2-opening.js'
import type { ServerLimits } from '../../../src/rpc/limits.js'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { type Route, type ServerStream, streaming, unary } from '../../../src/rpc/types.js'
import { message, rawFrame, rawHeaders, TYPE } from './raw-frames.js'
import { chat, deferred, dial, echo, type World, world } from './support.js'

const BIG = 'x'.repeat(400_000)

let w: World
let session: ClientHttp2Session
afterEach(async () => {
  session.destroy()
  await w.end()
})

async function open(routes: Route[], limits: Partial<ServerLimits>): Promise<void> {
  w = await world(routes, { limits })
  // A window that is never opened further: who does not read makes the server wait.
  session = connect(`http://127.0.0.1:${w.port}`, { settings: { initialWindowSize: 1_000 } })
  session.on('error', () => {})
}

function call(path: string, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    ...headers,
  })
  stream.on('error', () => {})
  return stream
}

/** Also after an error. */
function closedOf(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve()
    else stream.once('close', resolve)
  })
}

/** The status of a call that is read to its end; null: it was reset without one. */
async function statusOf(stream: ClientHttp2Stream): Promise<number | null> {
  let status: number | null = null
  const look = (headers: { readonly [key: string]: unknown }) => {
    if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status'])
  }
  stream.on('response', look)
  stream.on('trailers', look)
  stream.resume()
  await closedOf(stream)
  return status
}

/** How it was reset. */
async function resetOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  await closedOf(stream)
  return stream.rstCode
}

const echoing = unary(echo, (request) => request)
const sized = unary(echo, (request) => (request === 'big' ? BIG : request))

test('a request that does not become whole is given up, unary or in a stream', async () => {
  const closed = deferred<RpcError | null>()
  await open([echoing, streaming(chat, (stream) => stream.onClose(closed.resolve))], {
    stallMsMax: 50,
  })
  const nothing = call(echo.path)
  const half = call(echo.path)
  half.write(message('hello').subarray(0, 7))
  const inStream = call(chat.path)
  inStream.write(Buffer.concat([message('a'), message('b').subarray(0, 3)]))
  const late = Code.DEADLINE_EXCEEDED
  expect(await Promise.all([nothing, half, inStream].map(statusOf))).toEqual([late, late, late])
  expect((await closed.promise)?.code).toBe(late)
})

test('a stream on which nothing is under way may stay silent', async () => {
  await open([streaming(chat, (stream) => stream.onMessage((text) => stream.write(text)))], {
    stallMsMax: 30,
  })
  const stream = call(chat.path)
  stream.write(message('a'))
  await once(stream, 'data')
  const silentMs = 150
  await new Promise((resolve) => setTimeout(resolve, silentMs))
  stream.write(message('b'))
  const [second] = await once(stream, 'data')
  expect(String(second)).toContain('b')
})

test('half-sent requests share one room, and give it back', async () => {
  await open([echoing], { receivingBytesMax: 10_000 })
  const half = message('y'.repeat(9_000))
  const first = call(echo.path)
  first.write(half.subarray(0, 8_000))
  // The first is read before the second has come.
  expect(await w.channel.unary(echo, 'x')).toBe('x')
  const second = call(echo.path)
  second.write(half.subarray(0, 8_000))
  expect(await statusOf(second)).toBe(Code.RESOURCE_EXHAUSTED)
  first.close(constants.NGHTTP2_CANCEL)
  await closedOf(first)
  expect(await w.channel.unary(echo, 'x')).toBe('x')
  const third = call(echo.path)
  third.write(half.subarray(0, 8_000))
  third.end(half.subarray(8_000, 9_000))
  expect(await statusOf(third)).toBe(Code.UNIMPLEMENTED)
  expect(await w.channel.unary(echo, 'z'.repeat(9_500))).toHaveLength(9_500)
})

test('when there is no room, who holds it without a word is cut off soon', async () => {
  await open([echoing], { receivingBytesMax: 10_000, stallMsMax: 600_000 })
  const half = message('y'.repeat(12_000)).subarray(0, 8_000)
  const first = call(echo.path)
  first.write(half)
  const others = setInterval(() => call(echo.path).write(half), 200)
  expect(await statusOf(first)).toBe(Code.DEADLINE_EXCEEDED)
  clearInterval(others)
})

test('an answer that nobody reads is reset, and what it held is given back', async () => {
  await open([sized], { stallMsMax: 400, unreadBytesMax: 500_000 })
  const stalled = call(echo.path)
  stalled.end(message('big'))
  await once(stalled, 'response')
  const refused = call(echo.path)
  refused.end(message('big'))
  expect(await statusOf(refused)).toBe(Code.RESOURCE_EXHAUSTED)
  expect(await resetOf(stalled)).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM)
  expect(await w.channel.unary(echo, 'big')).toBe(BIG)
})

test('an answer in pieces is not taken for one that nobody reads', async () => {
  const large = 'z'.repeat(8_000_000)
  await open([unary(echo, () => large)], { stallMsMax: 300 })
  const stream = call(echo.path)
  stream.end(message(''))
  let bytes = 0
  const begun = performance.now()
  for await (const chunk of stream) bytes += (chunk as Buffer).length
  expect(bytes).toBe(5 + large.length)
  // With so small a window all of it takes longer than the patience with a piece.
  expect(performance.now() - begun).toBeGreaterThan(300)
})

test('a deadline ends also the call whose answer is not read', async () => {
  await open([sized], {})
  const stream = call(echo.path, { 'grpc-timeout': '60m' })
  stream.end(message('big'))
  await once(stream, 'response')
  expect(await resetOf(stream)).toBe(constants.NGHTTP2_CANCEL)
})

test('what streams queue shares one room with it', async () => {
  const closed: (Code | null)[] = []
  const both = deferred()
  const writing = streaming(chat, (stream) => {
    stream.onClose((error) => {
      closed.push(error?.code ?? null)
      if (closed.length === 2) both.resolve()
    })
    stream.onMessage(() => stream.write(BIG))
  })
  await open([writing, sized], { unreadBytesMax: 500_000 })
  const first = call(chat.path)
  first.write(message('go'))
  await once(first, 'response')
  const second = call(chat.path)
  second.write(message('go'))
  expect(await statusOf(second)).toBe(Code.RESOURCE_EXHAUSTED)
  first.close(constants.NGHTTP2_CANCEL)
  await both.promise
  expect(closed).toEqual([Code.RESOURCE_EXHAUSTED, Code.CANCELLED])
  expect(await w.channel.unary(echo, 'big')).toBe(BIG)
})

test('a stream that is not read may stand still, until there is no room for others', async () => {
  const writing = streaming(chat, (stream) => stream.onMessage(() => stream.write(BIG)))
  await open([writing, sized], { stallMsMax: 50, unreadBytesMax: 500_000 })
  const stream = call(chat.path)
  stream.write(message('go'))
  await once(stream, 'response')
  const silentMs = 300
  await new Promise((resolve) => setTimeout(resolve, silentMs))
  expect(stream.closed).toBe(false)
  const other = w.channel.unary(echo, 'big').catch((error: RpcError) => error.code)
  expect(await other).toBe(Code.RESOURCE_EXHAUSTED)
  expect(await resetOf(stream)).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  expect(await w.channel.unary(echo, 'big')).toBe(BIG)
})

test('so many calls are open at once', async () => {
  await open([echoing, streaming(chat, () => {})], { callsMax: 2 })
  const held = [call(chat.path), call(echo.path)]
  for (const stream of held) if (stream.pending) await once(stream, 'ready')
  const further = call(echo.path)
  further.end(message('x'))
  expect(await statusOf(further)).toBe(Code.RESOURCE_EXHAUSTED)
  for (const stream of held) stream.close(constants.NGHTTP2_CANCEL)
  await Promise.all(held.map(closedOf))
  expect(await w.channel.unary(echo, 'x')).toBe('x')
})

test("a first message has its own bound, and what comes after the server's end is for nobody", async () => {
  const heard: number[] = []
  const greeting = { ...chat, firstBytesMax: 10 }
  const route = streaming(greeting, (stream) =>
    stream.onMessage((text) => {
      heard.push(text.length)
      if (text.length === 3) stream.end()
    }),
  )
  await open([route], {})
  const large = call(chat.path)
  large.write(message('x'.repeat(11)))
  expect(await statusOf(large)).toBe(Code.RESOURCE_EXHAUSTED)
  const stream = call(chat.path)
  stream.write(
    Buffer.concat(['hello', 'x'.repeat(2_000), 'end', 'more'].map((text) => message(text))),
  )
  expect(await statusOf(stream)).toBe(Code.OK)
  expect(heard).toEqual([5, 2_000, 3])
})

test('a handler that waits is handed nothing, and hears of a caller who goes', async () => {
  const paused = deferred<ServerStream<string, string>>()
  const heard: string[] = []
  const closed = deferred<RpcError | null>()
  const route = streaming(chat, (stream) => {
    stream.onClose(closed.resolve)
    stream.onMessage((text) => {
      heard.push(text)
      if (heard.length > 1) return
      stream.pause()
      paused.resolve(stream)
    })
  })
  await open([route, echoing], { stallMsMax: 50 })
  const stream = call(chat.path)
  stream.write(Buffer.concat(['a', 'b', 'c'].map((text) => message(text))))
  const theirs = await paused.promise
  expect(await w.channel.unary(echo, 'x')).toBe('x')
  expect(heard).toEqual(['a'])
  theirs.resume()
  while (heard.length < 3) await w.channel.unary(echo, 'x')
  expect(heard).toEqual(['a', 'b', 'c'])
  theirs.pause()
  stream.write(message('d'))
  expect(await w.channel.unary(echo, 'x')).toBe('x')
  // As one who has nothing to complain of.
  stream.close(constants.NGHTTP2_NO_ERROR)
  expect((await closed.promise)?.code).toBe(Code.CANCELLED)
})

test('a stream that was reset with bytes unread is not written to any more', async () => {
  const paused = deferred<ServerStream<string, string>>()
  const closed = deferred<RpcError | null>()
  const route = streaming(chat, (stream) => {
    stream.onClose(closed.resolve)
    stream.onMessage(() => {
      stream.pause()
      paused.resolve(stream)
    })
  })
  await open([route, echoing], {})
  const stream = call(chat.path)
  stream.write(message('a'))
  const theirs = await paused.promise
  stream.write(message('b'))
  expect(await w.channel.unary(echo, 'x')).toBe('x')
  stream.close(constants.NGHTTP2_NO_ERROR)
  await closedOf(stream)
  for (let i = 0; i < 3; i++) await w.channel.unary(echo, 'x')
  // The first that is written: headers would have to go before it.
  theirs.write('c')
  expect((await closed.promise)?.code).toBe(Code.CANCELLED)
  expect(await w.channel.unary(echo, 'x')).toBe('x')
})

test('a whole request whose caller does not say that it is all takes room too', async () => {
  await open([echoing], { receivingBytesMax: 10_000 })
  const whole = message('y'.repeat(8_000))
  const first = call(echo.path)
  first.write(whole)
  const second = call(echo.path)
  second.write(whole)
  expect(await statusOf(second)).toBe(Code.RESOURCE_EXHAUSTED)
  first.end()
  expect(await statusOf(first)).toBe(Code.OK)
  expect(await w.channel.unary(echo, 'z'.repeat(9_500))).toHaveLength(9_500)
})

test('a stream that failed while nobody read it is cut off, though there is room', async () => {
  const route = streaming(chat, (stream) =>
    stream.onMessage(() => stream.write(BIG.slice(0, 9_000))),
  )
  await open([route], { stallMsMax: 50 })
  const stream = call(chat.path)
  stream.write(message('go'))
  await once(stream, 'response')
  // Not to be decoded.
  stream.write(message(Buffer.from([0xff])))
  expect(await resetOf(stream)).toBe(constants.NGHTTP2_INTERNAL_ERROR)
})

test('what a stream that failed has begun to send takes room until it has left', async () => {
  const route = streaming(chat, (stream) =>
    stream.onMessage(() => {
      stream.write(BIG.slice(0, 200_000))
      setImmediate(() => stream.fail(new RpcError(Code.ABORTED, 'enough')))
    }),
  )
  await open([route, sized], { unreadBytesMax: 500_000, stallMsMax: 400 })
  const stream = call(chat.path)
  stream.write(message('go'))
  await once(stream, 'response')
  const other = w.channel.unary(echo, 'big').catch((error: RpcError) => error.code)
  expect(await other).toBe(Code.RESOURCE_EXHAUSTED)
  await closedOf(stream)
  expect(await w.channel.unary(echo, 'big')).toBe(BIG)
})

test('who sends without pause is not taken for one who stands still', async () => {
  const heard = { messages: 0 }
  await open([streaming(chat, (stream) => stream.onMessage(() => heard.messages++))], {
    stallMsMax: 60,
  })
  const stream = call(chat.path)
  const bytes = message('x'.repeat(95))
  // Of each message some is always on its way.
  stream.write(bytes.subarray(0, 50))
  for (let i = 0; i < 40; i++) {
    stream.write(Buffer.concat([bytes.subarray(50), bytes.subarray(0, 50)]))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(stream.closed).toBe(false)
  expect(heard.messages).toBeGreaterThan(30)
})

test('nor is who sends half a message to a handler that has him wait', async () => {
  const paused = deferred<ServerStream<string, string>>()
  const whole = deferred<string>()
  const route = streaming(chat, (stream) =>
    stream.onMessage((text) => {
      if (text !== 'a') return whole.resolve(text)
      // In a turn of its own, while the half is awaited.
      setImmediate(() => {
        stream.pause()
        paused.resolve(stream)
      })
    }),
  )
  await open([route], { stallMsMax: 50 })
  const stream = call(chat.path)
  stream.write(Buffer.concat([message('a'), message('second').subarray(0, 7)]))
  const theirs = await paused.promise
  const silentMs = 250
  await new Promise((resolve) => setTimeout(resolve, silentMs))
  theirs.resume()
  stream.write(message('second').subarray(7))
  expect(await whole.promise).toBe('second')
})

test('no room for requests is no reason to cut off a reader', async () => {
  const writing = streaming(chat, (stream) => stream.onMessage(() => stream.write(BIG)))
  await open([writing, echoing], { receivingBytesMax: 10_000, stallMsMax: 300 })
  const reader = call(chat.path)
  reader.write(message('go'))
  await once(reader, 'response')
  const half = message('y'.repeat(12_000)).subarray(0, 8_000)
  const others = setInterval(() => call(echo.path).write(half), 20)
  const silentMs = 1_500
  await new Promise((resolve) => setTimeout(resolve, silentMs))
  clearInterval(others)
  expect(reader.closed).toBe(false)
})

test('a stream that fails is told its own reason, never within the call that fails it', async () => {
  const told: (Code | null)[] = []
  let within = false
  const closed = deferred<boolean>()
  const route = streaming(chat, (stream) => {
    stream.onClose((error) => {
      told.push(error?.code ?? null)
      closed.resolve(within)
    })
    stream.onMessage(() => {
      stream.write(BIG)
      setImmediate(() => {
        within = true
        stream.fail(new RpcError(Code.ABORTED, 'enough'))
        within = false
      })
    })
  })
  await open([route], {})
  const stream = call(chat.path)
  stream.write(message('go'))
  expect(await closed.promise).toBe(false)
  await closedOf(stream)
  expect(told).toEqual([Code.ABORTED])
})

test('a handler of a stream hears that its deadline has passed', async () => {
  const heard = deferred<boolean>()
  await open(
    [streaming(chat, (_, context) => context.onCancelled(() => heard.resolve(context.cancelled)))],
    {},
  )
  const stream = call(chat.path, { 'grpc-timeout': '30m' })
  expect(await statusOf(stream)).toBe(Code.DEADLINE_EXCEEDED)
  expect(await heard.promise).toBe(true)
})

test('a caller who ends his session has the answers to what he asked', async () => {
  const asked = deferred()
  const slow = unary(echo, async (request) => {
    asked.resolve()
    const thoughtMs = 700
    await new Promise((resolve) => setTimeout(resolve, thoughtMs))
    return request
  })
  await open([slow], { keepaliveMs: 100, keepaliveTimeoutMs: 100 })
  const stream = call(echo.path)
  stream.end(message('x'))
  await asked.promise
  const status = statusOf(stream)
  session.close()
  expect(await status).toBe(Code.OK)
})

test('of many large answers that are read slowly, side by side, none is given up', async () => {
  const large = 'z'.repeat(300_000)
  await open([unary(echo, () => large)], { stallMsMax: 1_000 })
  const wire = createWire(w.port, 8_000_000)
  wire.listen(0, '127.0.0.1')
  await once(wire, 'listening')
  const { port } = wire.address() as AddressInfo
  const windows = { initialWindowSize: 65_535 }
  const reader = connect(`http://127.0.0.1:${port}`, { settings: windows })
  reader.on('error', () => {})
  const headers = { ':method': 'POST', ':path': echo.path, 'content-type': 'application/grpc' }
  const statuses = Array.from({ length: 100 }, () => {
    const stream = reader.request(headers)
    stream.on('error', () => {})
    stream.end(message(''))
    return statusOf(stream)
  })
  expect(new Set(await Promise.all(statuses))).toEqual(new Set([Code.OK]))
  reader.destroy()
  wire.close()
})

/** To that port; of what comes back, so many bytes a second pass. */
function createWire(port: number, bytesPerSecond: number): NetServer {
  return createTcp((near) => {
    const far = dialTcp(port, '127.0.0.1')
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far)
    far.on('data', (bytes: Buffer) => {
      near.write(bytes)
      far.pause()
      setTimeout(() => far.resume(), (1_000 * bytes.length) / bytesPerSecond)
    })
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
}

describe('answers in a socket of which nobody reads', () => {
  /** HTTP/2 by hand: windows as large as they get, and then not a byte is read. */
  async function deaf(calls: number): Promise<Socket> {
    const socket = await dial(w.port)
    const windows = [rawFrame(TYPE.SETTINGS, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]))]
    const most = Buffer.from([0x7f, 0, 0, 0])
    windows.push(rawFrame(TYPE.WINDOW_UPDATE, 0, 0, most))
    const asked = Array.from({ length: calls }, (_, i) => [
      rawFrame(
        TYPE.HEADERS,
        4,
        2 * i + 1,
        rawHeaders({
          ':method': 'POST',
          ':scheme': 'http',
          ':path': echo.path,
          ':authority': 'x',
          'content-type': 'application/grpc',
        }),
      ),
      rawFrame(TYPE.DATA, 1, 2 * i + 1, message('big')),
    ]).flat()
    socket.pause()
    socket.write(Buffer.concat([PREFACE, ...windows, ...asked]))
    return socket
  }

  test('take room until it is closed, which it is when others find none', async () => {
    const small = 'm'.repeat(15_000)
    await open([unary(echo, () => small)], { unreadBytesMax: 9_000_000, stallMsMax: 400 })
    const socket = await deaf(1_000)
    const gone = new Promise((resolve) => socket.once('close', resolve))
    const refused = async () => {
      const code = await w.channel.unary(echo, 'big').catch((error: RpcError) => error.code)
      return code === Code.RESOURCE_EXHAUSTED
    }
    await expect.poll(refused).toBe(true)
    await expect.poll(refused, { timeout: 10_000 }).toBe(false)
    socket.resume()
    await gone
  })

  test('go with it when it gives no sign of life', async () => {
    await open([sized], { keepaliveMs: 300, keepaliveTimeoutMs: 300 })
    const socket = await deaf(100)
    const gone = new Promise((resolve) => socket.once('close', resolve))
    // He goes on to talk, and so hears of it when he is no longer listened to.
    const talks = setInterval(() => socket.write(rawFrame(TYPE.PING, 0, 0, Buffer.alloc(8))), 50)
    await gone
    clearInterval(talks)
  })
})
