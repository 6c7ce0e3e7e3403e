/** The contract of the transport, over real sockets: whatever carries gRPC must pass this. */
import { once } from 'node:events'
import {
  type AddressInfo,
  createServer as createTcp,
  connect as dialTcp,
  type Socket,
} from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { connect } from '../../../src/rpc/channel.js'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { streaming, unary } from '../../../src/rpc/types.js'
import { chat, deferred, echo, type World, world } from './support.js'

let w: World
afterEach(() => w.end())

const rejection = (promise: Promise<unknown>): Promise<RpcError> =>
  promise.then(
    () => expect.fail('resolved'),
    (error) => {
      expect(error).toBeInstanceOf(RpcError)
      return error
    },
  )

describe('unary', () => {
  test('answers, at once or later', async () => {
    w = await world([
      unary(echo, (request) => (request === 'now' ? 'now!' : Promise.resolve(`${request}!`))),
    ])
    expect(await w.channel.unary(echo, 'now')).toBe('now!')
    expect(await w.channel.unary(echo, 'later')).toBe('later!')
    expect(await w.channel.unary(echo, '')).toBe('!')
    expect(w.channel.state).toBe('ready')
  })

  test('an RpcError reaches the caller with code, text and trailers', async () => {
    w = await world([
      unary(echo, (_, context) => {
        context.setTrailer('quorate-leader-name', 'n2')
        throw new RpcError(Code.FAILED_PRECONDITION, 'not leader', {
          'quorate-leader-endpoint': '127.0.0.1:2379',
        })
      }),
    ])
    const error = await rejection(w.channel.unary(echo, 'x'))
    expect(error.code).toBe(Code.FAILED_PRECONDITION)
    expect(error.message).toBe('not leader')
    expect(error.trailers['quorate-leader-name']).toBe('n2')
    expect(error.trailers['quorate-leader-endpoint']).toBe('127.0.0.1:2379')
  })

  test('a text or trailer that no header can hold ends no process', async () => {
    w = await world([
      unary(echo, () => {
        throw new RpcError(Code.NOT_FOUND, 'half \ud800 pair, \u00e9 and \n', {
          odd: 'a\r\nb\u00e9',
        })
      }),
    ])
    const error = await rejection(w.channel.unary(echo, 'x'))
    expect(error.code).toBe(Code.NOT_FOUND)
    expect(error.message).toBe('half \ufffd pair, \u00e9 and \n')
    expect(error.trailers.odd).toBe('a??b?')
  })

  test('a bug in a handler is INTERNAL, and its text stays inside', async () => {
    w = await world([
      unary(echo, (request) =>
        request === 'now' ? JSON.parse('{secret') : Promise.reject(new TypeError('secret')),
      ),
    ])
    for (const request of ['now', 'later']) {
      const error = await rejection(w.channel.unary(echo, request))
      expect(error.code).toBe(Code.INTERNAL)
      expect(error.message).toBe('internal error')
    }
    expect(w.errors).toHaveLength(2)
  })

  test('a request that does not decode is INVALID_ARGUMENT', async () => {
    w = await world([unary(echo, (request) => request)])
    const bytes = { encode: () => new Uint8Array([0xff, 0xfe]), decode: echo.response.decode }
    const error = await rejection(w.channel.unary({ ...echo, request: bytes }, ''))
    expect(error.code).toBe(Code.INVALID_ARGUMENT)
  })

  test('an unknown method is UNIMPLEMENTED, also one named like a property', async () => {
    w = await world([unary(echo, (request) => request)])
    for (const path of ['/test.Echo/No', '/__proto__', '/constructor', '/test.Echo/\u00e9']) {
      const error = await rejection(w.channel.unary({ ...echo, path }, 'x'))
      expect([path, error.code]).toEqual([path, Code.UNIMPLEMENTED])
    }
  })

  test('a handler knows its deadline, and the server ends the call', async () => {
    const cancelled = deferred()
    let left = 0
    w = await world([
      unary(echo, (_, context) => {
        left = context.remainingMs()
        context.onCancelled(() => {
          expect(context.cancelled).toBe(true)
          cancelled.resolve()
        })
        return new Promise<string>(() => {})
      }),
    ])
    const error = await rejection(w.channel.unary(echo, 'x', { timeoutMs: 150 }))
    expect(error.code).toBe(Code.DEADLINE_EXCEEDED)
    await cancelled.promise
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(150)
  })

  test('no deadline is infinite, and an ordinary end is no cancellation', async () => {
    let cancelled = 0
    let left = 0
    w = await world([
      unary(echo, (request, context) => {
        context.onCancelled(() => cancelled++)
        left = context.remainingMs()
        return request
      }),
    ])
    await w.channel.unary(echo, 'x')
    await w.channel.unary(echo, 'x')
    expect(left).toBe(Number.POSITIVE_INFINITY)
    expect(cancelled).toBe(0)
  })

  test('metadata and the address of the caller reach the handler', async () => {
    w = await world([
      unary(echo, (_, context) => `${context.metadata('token')} ${context.peer.split(':')[0]}`),
    ])
    const answer = await w.channel.unary(echo, 'x', { metadata: { token: 't1' } })
    expect(answer).toBe('t1 127.0.0.1')
  })

  test('a message at the limit passes, one byte more is RESOURCE_EXHAUSTED', async () => {
    w = await world([unary(echo, (request) => String(request.length))], {
      limits: { receiveBytesMax: 10_000 },
    })
    expect(await w.channel.unary(echo, 'x'.repeat(10_000))).toBe('10000')
    for (const size of [10_001, 100_000]) {
      const error = await rejection(w.channel.unary(echo, 'x'.repeat(size)))
      expect(error.code).toBe(Code.RESOURCE_EXHAUSTED)
    }
    expect(await w.channel.unary(echo, 'x')).toBe('1')
  })

  test('headers over the limit are refused, and the connection lives', async () => {
    w = await world([unary(echo, (request) => request)], { limits: { headerBytesMax: 4_096 } })
    expect(await w.channel.unary(echo, 'x', { metadata: { a: 'y'.repeat(3_000) } })).toBe('x')
    const error = await rejection(
      w.channel.unary(echo, 'x', { metadata: { a: 'y'.repeat(4_096) } }),
    )
    expect(error.code).toBe(Code.RESOURCE_EXHAUSTED)
    expect(await w.channel.unary(echo, 'x')).toBe('x')
  })

  test('without a server a call fails at once with UNAVAILABLE', async () => {
    w = await world([])
    await w.server.close(0)
    const error = await rejection(w.channel.unary(echo, 'x'))
    expect(error.code).toBe(Code.UNAVAILABLE)
  })

  test('closing the channel ends its calls', async () => {
    const entered = deferred()
    w = await world([
      unary(echo, () => {
        entered.resolve()
        return new Promise<string>(() => {})
      }),
    ])
    const call = rejection(w.channel.unary(echo, 'x'))
    await entered.promise
    w.channel.close()
    expect((await call).code).toBe(Code.CANCELLED)
    expect(w.channel.state).toBe('closed')
    expect((await rejection(w.channel.unary(echo, 'x'))).code).toBe(Code.UNAVAILABLE)
  })

  test('a closing server lets running calls end', async () => {
    const entered = deferred()
    const release = deferred<string>()
    w = await world([
      unary(echo, () => {
        entered.resolve()
        return release.promise
      }),
    ])
    const call = w.channel.unary(echo, 'x')
    await entered.promise
    const closed = w.server.close(30_000)
    release.resolve('done')
    expect(await call).toBe('done')
    w.channel.close()
    await closed
  })

  test('a closing server cuts off what does not end', async () => {
    const entered = deferred()
    w = await world([
      unary(echo, () => {
        entered.resolve()
        return new Promise<string>(() => {})
      }),
    ])
    const call = rejection(w.channel.unary(echo, 'x'))
    await entered.promise
    await w.server.close(10)
    expect([Code.UNAVAILABLE, Code.CANCELLED]).toContain((await call).code)
  })
})

describe('streams', () => {
  test('messages of both ways arrive in order, then the end', async () => {
    w = await world([
      streaming(chat, (stream) => {
        stream.onMessage((message) => stream.write(`${message}!`))
        stream.onEnd(() => {
          stream.write('bye')
          stream.end()
        })
      }),
    ])
    const stream = w.channel.stream(chat)
    const seen: string[] = []
    stream.onMessage((message) => seen.push(message))
    const closed = deferred<RpcError | null>()
    stream.onClose(closed.resolve)
    for (let i = 0; i < 100; i++) stream.write(String(i))
    stream.end()
    expect(await closed.promise).toBeNull()
    expect(seen).toEqual([...Array.from({ length: 100 }, (_, i) => `${i}!`), 'bye'])
  })

  test('what queues up on a joining stream travels as one message', async () => {
    const joining = { ...chat, joins: true }
    const received: string[] = []
    w = await world([
      streaming(joining, (stream) => {
        stream.onMessage((message) => received.push(message))
        stream.onEnd(() => stream.end())
      }),
    ])
    const stream = w.channel.stream(joining)
    const closed = deferred<RpcError | null>()
    stream.onClose(closed.resolve)
    for (let i = 0; i < 100; i++) stream.write(`${i},`)
    stream.end()
    expect(await closed.promise).toBeNull()
    expect(received).toEqual([Array.from({ length: 100 }, (_, i) => `${i},`).join('')])
  })

  test('write says when to stop and onDrain when to go on; nothing is lost', async () => {
    let bytes = 0
    const first = deferred()
    let go: () => void = () => {}
    w = await world(
      [
        streaming(chat, (stream) => {
          stream.pause()
          go = () => stream.resume()
          first.resolve()
          stream.onMessage((message) => {
            bytes += message.length
          })
          stream.onEnd(() => stream.end())
        }),
      ],
      { channelLimits: { streamHighWaterBytes: 1 << 20 } },
    )
    const stream = w.channel.stream(chat)
    const closed = deferred<RpcError | null>()
    stream.onClose(closed.resolve)
    const block = 'x'.repeat(64 * 1024)
    let written = 0
    let drained = 0
    await first.promise
    while (stream.write(block)) written++
    written++
    expect(stream.queuedBytes).toBeGreaterThanOrEqual(1 << 20)
    const allDrained = deferred()
    stream.onDrain(() => {
      drained++
      allDrained.resolve()
    })
    // 16 MiB more than windows and buffers hold: a paused reader must hold them back.
    for (let i = 0; i < 256; i++) stream.write(block)
    written += 256
    expect(stream.queuedBytes).toBeGreaterThan(8 << 20)
    go()
    await allDrained.promise
    stream.end()
    expect(await closed.promise).toBeNull()
    expect(drained).toBe(1)
    expect(stream.queuedBytes).toBe(0)
    expect(bytes).toBe(written * block.length)
  })

  test('the server fails a stream with code, text and trailers', async () => {
    const serverClosed = deferred<RpcError | null>()
    w = await world([
      streaming(chat, (stream) => {
        stream.onClose(serverClosed.resolve)
        stream.fail(new RpcError(Code.ABORTED, 'no', { why: 'because' }))
      }),
    ])
    const stream = w.channel.stream(chat)
    const closed = deferred<RpcError | null>()
    stream.onClose(closed.resolve)
    const error = await closed.promise
    expect(error?.code).toBe(Code.ABORTED)
    expect(error?.message).toBe('no')
    expect(error?.trailers.why).toBe('because')
    expect((await serverClosed.promise)?.code).toBe(Code.ABORTED)
  })

  test('a handler that throws fails its stream', async () => {
    w = await world([
      streaming(chat, () => {
        throw new RpcError(Code.PERMISSION_DENIED, 'not you')
      }),
    ])
    const closed = deferred<RpcError | null>()
    w.channel.stream(chat).onClose(closed.resolve)
    expect((await closed.promise)?.code).toBe(Code.PERMISSION_DENIED)
  })

  test('the server hears of a client that cancels, and of one that dies', async () => {
    let closed = deferred<RpcError | null>()
    let entered = deferred()
    w = await world([
      streaming(chat, (stream) => {
        stream.onClose((error) => closed.resolve(error))
        entered.resolve()
      }),
    ])
    const stream = w.channel.stream(chat)
    const mine = deferred<RpcError | null>()
    stream.onClose(mine.resolve)
    await entered.promise
    stream.cancel()
    expect((await mine.promise)?.code).toBe(Code.CANCELLED)
    expect((await closed.promise)?.code).toBe(Code.CANCELLED)
    closed = deferred()
    entered = deferred()
    w.channel.stream(chat)
    await entered.promise
    w.channel.close()
    expect((await closed.promise)?.code).toBe(Code.CANCELLED)
  })

  test('a stream past its deadline ends on both sides', async () => {
    const serverClosed = deferred<RpcError | null>()
    w = await world([streaming(chat, (stream) => stream.onClose(serverClosed.resolve))])
    const closed = deferred<RpcError | null>()
    w.channel.stream(chat, { timeoutMs: 100 }).onClose(closed.resolve)
    expect((await closed.promise)?.code).toBe(Code.DEADLINE_EXCEEDED)
    expect([Code.DEADLINE_EXCEEDED, Code.CANCELLED]).toContain((await serverClosed.promise)?.code)
  })

  test('a message that does not decode ends the stream, on either side', async () => {
    w = await world([
      streaming(chat, (stream) => stream.onMessage((message) => stream.write(message))),
    ])
    const bad = { encode: () => new Uint8Array([0xff]), decode: chat.response.decode }
    const closed = deferred<RpcError | null>()
    const stream = w.channel.stream({ ...chat, request: bad })
    stream.onClose(closed.resolve)
    stream.write('')
    expect((await closed.promise)?.code).toBe(Code.INVALID_ARGUMENT)
    const strict = {
      ...chat.response,
      decode: () => {
        throw new Error('never')
      },
    }
    const closedToo = deferred<RpcError | null>()
    const second = w.channel.stream({ ...chat, response: strict })
    second.onClose(closedToo.resolve)
    second.write('x')
    expect((await closedToo.promise)?.code).toBe(Code.INVALID_ARGUMENT)
  })

  test('a writer that does not listen fails its stream, and memory stays bounded', async () => {
    const closed = deferred<RpcError | null>()
    w = await world(
      [
        streaming(chat, (stream) => {
          stream.onClose(closed.resolve)
          const block = 'x'.repeat(100_000)
          for (let i = 0; i < 1_000; i++) stream.write(block)
          expect(stream.queuedBytes).toBe(0)
        }),
      ],
      { limits: { streamQueuedBytesMax: 1_000_000 } },
    )
    const mine = deferred<RpcError | null>()
    w.channel.stream(chat).onClose(mine.resolve)
    expect((await mine.promise)?.code).toBe(Code.RESOURCE_EXHAUSTED)
    expect((await closed.promise)?.code).toBe(Code.RESOURCE_EXHAUSTED)
  })

  test('after a failure of its own a side is handed nothing more', async () => {
    let handed = 0
    w = await world([
      streaming(chat, (stream) => {
        stream.onMessage(() => {
          handed++
          stream.fail(new RpcError(Code.ABORTED, 'enough'))
        })
      }),
    ])
    const closed = deferred<RpcError | null>()
    const stream = w.channel.stream(chat)
    stream.onClose(closed.resolve)
    for (let i = 0; i < 10; i++) stream.write('x')
    expect((await closed.promise)?.code).toBe(Code.ABORTED)
    expect(handed).toBe(1)
  })

  test('a server that falls silent is noticed', async () => {
    w = await world([streaming(chat, (stream) => stream.write('here'))])
    const sockets: Socket[] = []
    // Between the two, a wire that can be cut without either side being told.
    const wire = createTcp((near) => {
      const far = dialTcp(w.port, '127.0.0.1')
      near.pipe(far)
      far.pipe(near)
      for (const socket of [near, far]) {
        socket.on('error', () => {})
        sockets.push(socket)
      }
    })
    wire.listen(0, '127.0.0.1')
    await once(wire, 'listening')
    const { port } = wire.address() as AddressInfo
    const channel = connect(`127.0.0.1:${port}`, { keepaliveMs: 50, keepaliveTimeoutMs: 100 })
    const first = deferred()
    const closed = deferred<RpcError | null>()
    const stream = channel.stream(chat)
    stream.onMessage(() => first.resolve())
    stream.onClose(closed.resolve)
    await first.promise
    for (const socket of sockets) socket.unpipe().pause()
    expect((await closed.promise)?.code).toBe(Code.UNAVAILABLE)
    channel.close()
    for (const socket of sockets) socket.destroy()
    wire.close()
  })
})
