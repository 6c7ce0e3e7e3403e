/** What may arrive at an open port: none of it may crash, hang or keep a socket for nothing. */
import { EventEmitter, once } from 'node:events'
import { get, type IncomingMessage, type RequestListener } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { PREFACE } from '../../../src/rpc/http2-opening.js'
import { CLIENT_PORT_LIMITS, type ServerLimits } from '../../../src/rpc/limits.js'
import { createServer } from '../../../src/rpc/server.js'
import { Code, type RpcError } from '../../../src/rpc/status.js'
import { type CallContext, streaming, type UnaryMethod, unary } from '../../../src/rpc/types.js'
import { message, rawFrame, rawHeaders, reset, TYPE } from './raw-frames.js'
import { chat, deferred, dial, echo, readAll, type World, world } from './support.js'

let w: World
const done = new EventEmitter()
afterEach(() => w.end())

const http1: RequestListener = (request, response) => {
  response.end(`${request.method} ${request.url}`)
}
let remainingMs = 0
const routes = [
  unary(echo, (request: string, context: CallContext) => {
    remainingMs = context.remainingMs()
    return request
  }),
]

describe('bytes', () => {
  test('HTTP/1.1 and gRPC on one port, at the same time', async () => {
    w = await world(routes, { http1 })
    const [answer, page] = await Promise.all([
      w.channel.unary(echo, 'x'),
      new Promise<string>((resolve) => {
        get({ host: '127.0.0.1', port: w.port, path: '/version' }, async (r: IncomingMessage) => {
          let body = ''
          for await (const chunk of r) body += chunk
          resolve(body)
        })
      }),
    ])
    expect(answer).toBe('x')
    expect(page).toBe('GET /version')
  })

  test.each([
    [
      'P',
      'OST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      'POST /a',
    ],
    ['PR', 'OPFIND /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', 'PROPFIND /a'],
    ['GET', ' /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', 'GET /a'],
  ])('a lone %s, the rest later', async (head, rest, answer) => {
    w = await world(routes, { http1 })
    const socket = await dial(w.port)
    const all = readAll(socket)
    socket.write(head)
    // The other side has read the head for certain when another connection has been served.
    await w.channel.unary(echo, 'x')
    socket.write(rest)
    expect(await all).toContain(answer)
  })

  test('who closes his side behind his request is answered, then closed', async () => {
    w = await world(routes, {
      http1: (request, response) =>
        request.socket.once('end', () => setImmediate(() => response.end(`late ${request.url}`))),
    })
    const socket = await dial(w.port)
    const all = readAll(socket)
    socket.end('GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(await all).toContain('late /a')
    const idle = await dial(w.port)
    idle.end('GET /a HTT')
    expect(await readAll(idle)).toContain('400')
  })

  test('the preface of HTTP/2 byte by byte', async () => {
    w = await world(routes, { http1 })
    const socket = await dial(w.port)
    const first = once(socket, 'data')
    for (const byte of Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')) {
      socket.write(Buffer.from([byte]))
      await w.channel.unary(echo, 'x')
    }
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    const [answer] = (await first) as [Buffer]
    // The server's SETTINGS frame.
    expect(answer[3]).toBe(4)
    socket.destroy()
  })

  test('a silent socket, a half preface and a half request are closed; a call is not', async () => {
    w = await world([unary(echo, (request) => once(done, 'go').then(() => request))], {
      http1,
      limits: { handshakeMsMax: 300 },
    })
    const call = w.channel.unary(echo, 'alive')
    const silent = await dial(w.port)
    const half = await dial(w.port)
    half.write('PRI * HTTP/2.0\r\n')
    const request = await dial(w.port)
    request.write('GET / HTTP/1.1\r\nHos')
    const drip = await dial(w.port)
    const timer = setInterval(() => drip.write('G'), 50)
    await Promise.all([silent, half, request, drip].map(readAll))
    clearInterval(timer)
    done.emit('go')
    expect(await call).toBe('alive')
  })

  test('an HTTP/1.1 connection that stays open may not drip its second request', async () => {
    w = await world(routes, { http1, limits: { handshakeMsMax: 500 } })
    const socket = await dial(w.port)
    const all = readAll(socket)
    const first = once(socket, 'data')
    socket.write('GET /1 HTTP/1.1\r\nHost: h\r\n\r\n')
    await first
    socket.write('GET /2 HTTP/1.1\r\nHos')
    const answer = await all
    expect(answer).toContain('GET /1')
    expect(answer).toContain('408')
  })

  test('TLS, garbage, and HTTP/1.1 where none is served: closed at once', async () => {
    w = await world(routes)
    for (const bytes of [
      '\x16\x03\x01\x02\x00',
      '\x00\x01\x02\x03\x04',
      'GET / HTTP/1.1\r\n\r\n',
    ]) {
      const socket = await dial(w.port)
      socket.write(Buffer.from(bytes, 'latin1'))
      expect(await readAll(socket)).toBe('')
    }
    expect(await w.channel.unary(echo, 'x')).toBe('x')
  })

  test('garbage behind a good preface closes that connection only', async () => {
    w = await world(routes)
    const socket = await dial(w.port)
    socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(300)}`, 'latin1')
    await readAll(socket)
    expect(await w.channel.unary(echo, 'x')).toBe('x')
  })

  test('a connection over the bound is closed, and room is found again', async () => {
    w = await world(routes, { limits: { connectionsMax: 2 } })
    const first = await dial(w.port)
    const second = await dial(w.port)
    // Accepted in the order of the dials: when the third is closed, the first two are counted.
    await readAll(await dial(w.port))
    first.destroy()
    second.destroy()
    for (;;) {
      const answer = await w.channel.unary(echo, 'x').catch(() => null)
      if (answer === 'x') break
    }
  })

  test('a closing server waits for no socket that never spoke', async () => {
    w = await world(routes, { http1 })
    const silent = await dial(w.port)
    const idle = await dial(w.port)
    const served = once(idle, 'data')
    idle.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await served
    await w.channel.unary(echo, 'x')
    const closed = Promise.all([silent, idle].map(readAll))
    await w.server.close(1_000_000)
    await closed
  })

  test('a port that is taken is an error with the system’s code', async () => {
    w = await world(routes)
    const other = createServer({ routes, limits: CLIENT_PORT_LIMITS })
    await expect(other.listen('127.0.0.1', w.port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await other.close(0)
  })

  test('idle connections are asked for a sign of life', async () => {
    w = await world(routes, { limits: { keepaliveMs: 50, keepaliveTimeoutMs: 100 } })
    const socket = await dial(w.port)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    // It answers no PING.
    await readAll(socket)
  })
})

describe('gRPC frames', () => {
  let session: ClientHttp2Session
  afterEach(() => session.destroy())

  /** One raw call: its gRPC status, or its HTTP status when that is not 200. */
  function call(body: Buffer, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/test.Echo/Echo',
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      let status = -1
      const take = (h: Record<string, unknown>): void => {
        if (h['grpc-status'] !== undefined) status = Number(h['grpc-status'])
        else if (h[':status'] !== undefined && h[':status'] !== 200) status = Number(h[':status'])
      }
      stream.on('response', take)
      stream.on('trailers', take)
      stream.on('error', reject)
      stream.on('close', () => resolve(status))
      stream.resume()
      stream.end(body)
    })
  }

  async function open(limits: Partial<ServerLimits> = {}): Promise<void> {
    w = await world(routes, { limits: { receiveBytesMax: 10_000, ...limits } })
    session = connectHttp2(`http://127.0.0.1:${w.port}`)
    session.on('error', () => {})
  }

  test('each bad frame has its status, and the process lives', async () => {
    await open()
    const rows: [string, Promise<number>, number][] = [
      ['good', call(message('x')), Code.OK],
      // As etcd has it: nothing is decompressed.
      [
        'compressed',
        call(message(gzipSync('x'), 1), { 'grpc-encoding': 'gzip' }),
        Code.UNIMPLEMENTED,
      ],
      ['an encoding', call(message('x'), { 'grpc-encoding': 'gzip' }), Code.UNIMPLEMENTED],
      ['unknown flag', call(message('x', 7)), Code.INTERNAL],
      ['compressed with no encoding', call(message(gzipSync('x'), 1)), Code.INTERNAL],
      ['unknown encoding', call(message('x', 1), { 'grpc-encoding': 'zip' }), Code.UNIMPLEMENTED],
      ['oversize', call(Buffer.from([0, 0xff, 0xff, 0xff, 0xff])), Code.RESOURCE_EXHAUSTED],
      ['two messages', call(Buffer.concat([message('a'), message('b')])), Code.UNIMPLEMENTED],
      ['none', call(Buffer.alloc(0)), Code.UNIMPLEMENTED],
      ['truncated', call(message('abcdef').subarray(0, 8)), Code.UNIMPLEMENTED],
      ['no UTF-8', call(message(Buffer.from([0xff]))), Code.INVALID_ARGUMENT],
    ]
    for (const [what, status, expected] of rows)
      expect([what, await status]).toEqual([what, expected])
    expect(await w.channel.unary(echo, 'x')).toBe('x')
  })

  test.each(['GET', 'HEAD', 'PUT'])(
    'a %s is no call: 405, and nothing is left of it',
    async (method) => {
      await open({ callsMax: 1 })
      const headers = { ':method': method, ':path': echo.path, 'content-type': 'application/grpc' }
      for (let i = 0; i < 2; i++) {
        const stream = session.request(headers, { endStream: false })
        const [answer] = await once(stream, 'response')
        expect(answer[':status']).toBe(405)
        stream.resume()
        if (!stream.closed) await once(stream, 'close')
      }
      expect(await w.channel.unary(echo, 'x')).toBe('x')
    },
  )

  test('a message in pieces of any size is one message', async () => {
    await open()
    const whole = message('abc'.repeat(3_000))
    for (const size of [1, 4, 5, 6, 4_096]) {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/test.Echo/Echo',
        'content-type': 'application/grpc',
      })
      const pieces: Buffer[] = []
      stream.on('data', (bytes: Buffer) => pieces.push(bytes))
      for (let at = 0; at < whole.length; at += size) stream.write(whole.subarray(at, at + size))
      stream.end()
      const [trailers] = await once(stream, 'trailers')
      expect(trailers['grpc-status']).toBe('0')
      if (!stream.readableEnded) await once(stream, 'end')
      expect(Buffer.concat(pieces).equals(whole)).toBe(true)
    }
  })

  test('a call that is reset is heard of, before its request is whole and after', async () => {
    const asked = deferred<void>()
    const heard = deferred<boolean>()
    w = await world([
      unary(echo, (request, context) => {
        if (request !== 'wait') return request
        context.onCancelled(() => heard.resolve(context.cancelled))
        asked.resolve()
        return new Promise<string>(() => {})
      }),
    ])
    session = connectHttp2(`http://127.0.0.1:${w.port}`)
    const begin = () => {
      const headers = { ':method': 'POST', ':path': echo.path, 'content-type': 'application/grpc' }
      const stream = session.request(headers)
      stream.on('error', () => {})
      return stream
    }
    const half = begin()
    half.write(message('half').subarray(0, 6))
    const waiting = begin()
    waiting.end(message('wait'))
    await asked.promise
    half.close(constants.NGHTTP2_CANCEL)
    waiting.close(constants.NGHTTP2_CANCEL)
    expect(await heard.promise).toBe(true)
    expect(await w.channel.unary(echo, 'x')).toBe('x')
    expect(w.errors).toEqual([])
  })

  test('calls that are opened and reset in the first segment end no process', async () => {
    await open()
    const plain = { ':path': '/test.Echo/Echo', 'content-type': 'application/grpc' }
    const rows: Record<string, string>[] = [
      plain,
      { ...plain, ':path': '/test.Echo/No' },
      { ...plain, 'grpc-timeout': 'x5S' },
      { ...plain, 'content-type': 'text/html' },
      { ...plain, 'grpc-encoding': 'gzip' },
    ]
    for (const row of rows)
      for (const code of [0, 5, 8]) {
        const fields = { ':method': 'POST', ':scheme': 'http', ':authority': 'x', ...row }
        const socket = await dial(w.port)
        const bytes = [
          PREFACE,
          rawFrame(TYPE.SETTINGS, 0, 0),
          rawFrame(TYPE.HEADERS, 4, 1, rawHeaders(fields)),
          rawFrame(TYPE.DATA, 0, 1, message('x', 9)),
          reset(1, code),
          rawFrame(TYPE.PING, 0, 0, Buffer.alloc(8)),
        ]
        socket.write(Buffer.concat(bytes))
        // The server's preface, and the ping's echo: all before it has been read.
        const answered: Buffer[] = []
        for await (const chunk of socket) {
          answered.push(chunk)
          if (Buffer.concat(answered).includes(rawFrame(TYPE.PING, 1, 0, Buffer.alloc(8)))) break
        }
        socket.destroy()
      }
    expect(await call(message('x'))).toBe(Code.OK)
  })

  test('a refusal ends a call whose caller has not sent all', async () => {
    await open()
    for (const [what, path, status] of [
      ['no such method', '/test.Echo/No', Code.UNIMPLEMENTED],
      ['a bad flag', '/test.Echo/Echo', Code.INTERNAL],
    ] as const) {
      const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' }
      const stream = session.request(headers)
      stream.write(message('x', 7))
      const [answer] = await once(stream, 'response')
      expect([what, Number(answer['grpc-status'])]).toEqual([what, status])
      stream.resume()
      if (!stream.closed) await once(stream, 'close')
      expect([what, stream.rstCode]).toEqual([what, constants.NGHTTP2_NO_ERROR])
    }
  })

  test('a request that is kept keeps no more than itself', async () => {
    const held: number[] = []
    const asIs = { encode: (bytes: Uint8Array) => bytes, decode: (bytes: Uint8Array) => bytes }
    const keeping: UnaryMethod<Uint8Array, string> = { ...echo, request: asIs }
    w = await world([
      unary(keeping, (bytes) => {
        held.push(bytes.buffer.byteLength - bytes.length)
        return 'kept'
      }),
    ])
    for (const length of [20_000, 300_000, 1_100_000])
      expect(await w.channel.unary(echo, 'x'.repeat(length))).toBe('kept')
    expect(Math.max(...held)).toBeLessThanOrEqual(16)
  })

  test('a bad flag in the middle of a stream ends it', async () => {
    const heard: string[] = []
    const closed = deferred<RpcError | null>()
    w = await world([
      streaming(chat, (stream) => {
        stream.onMessage((message) => {
          heard.push(message)
          stream.write(message)
        })
        stream.onClose(closed.resolve)
      }),
    ])
    session = connectHttp2(`http://127.0.0.1:${w.port}`)
    const stream = session.request({
      ':method': 'POST',
      ':path': chat.path,
      'content-type': 'application/grpc',
    })
    const failed = new Promise((resolve) => stream.on('close', resolve))
    let status: number | null = null
    stream.on('trailers', (trailers) => {
      status = Number(trailers['grpc-status'])
    })
    stream.on('error', () => {})
    stream.write(message('first'))
    await once(stream, 'data')
    // Nor is a flag missed whose message comes byte by byte.
    for (const byte of message('second')) stream.write(Buffer.from([byte]))
    await once(stream, 'data')
    stream.write(message('third', 3))
    await failed
    expect([status, stream.rstCode]).toEqual([Code.INTERNAL, constants.NGHTTP2_NO_ERROR])
    expect(await closed.promise).not.toBeNull()
    expect(heard).toEqual(['first', 'second'])
  })

  test('each bad header has its status', async () => {
    await open()
    const rows: [string, Record<string, string>, number][] = [
      ['content type', { 'content-type': 'text/plain' }, 415],
      ['malformed timeout', { 'grpc-timeout': 'x5S' }, Code.INVALID_ARGUMENT],
      ['negative timeout', { 'grpc-timeout': '-5S' }, Code.INVALID_ARGUMENT],
      ['timeout without unit', { 'grpc-timeout': '100' }, Code.INVALID_ARGUMENT],
      ['nine digits', { 'grpc-timeout': '123456789S' }, Code.INVALID_ARGUMENT],
      ['key with odd characters', { 'a!b': 'x' }, Code.INVALID_ARGUMENT],
      ['value with odd characters', { secret: 'x\u00e9' }, Code.INVALID_ARGUMENT],
      ['no such method', { ':path': '/__proto__' }, Code.UNIMPLEMENTED],
      ['a path no header can hold', { ':path': '/a\u00e9' }, Code.UNIMPLEMENTED],
    ]
    for (const [what, headers, expected] of rows)
      expect([what, await call(message('x'), headers)]).toEqual([what, expected])
    expect(await w.channel.unary(echo, 'x')).toBe('x')
  })

  test.each([
    ['100m', 100],
    ['30S', 30_000],
    ['2592000S', 1_728_000_000],
    ['99999999H', 1_728_000_000],
    ['99999999u', 99_999],
  ])('a timeout of %s', async (timeout, ms) => {
    await open()
    expect(await call(message('x'), { 'grpc-timeout': timeout })).toBe(Code.OK)
    expect(remainingMs).toBeLessThanOrEqual(ms)
    expect(remainingMs).toBeGreaterThan(ms / 2)
  })

  test('the windows are opened', async () => {
    await open()
    await call(message('x'))
    expect(session.state.remoteWindowSize).toBeGreaterThan(1_000_000)
  })

  test('refused calls with a body leave the connection its window', async () => {
    await open()
    const body = message(Buffer.alloc(200_000))
    for (let i = 0; i < 20; i++)
      expect(await call(body, { ':path': '/test.Echo/No' })).toBe(Code.UNIMPLEMENTED)
    const flagged = message(Buffer.alloc(200_000), 7)
    for (let i = 0; i < 20; i++) expect(await call(flagged)).toBe(Code.INTERNAL)
    expect(await call(message('x'))).toBe(Code.OK)
  })

  test('the bounds are told in SETTINGS', async () => {
    await open()
    const [settings] = await once(session, 'remoteSettings')
    expect(settings.maxConcurrentStreams).toBe(1_024)
    expect(settings.maxHeaderListSize).toBe(16 * 1024)
    expect(settings.initialWindowSize).toBe(512 * 1024)
  })
})
