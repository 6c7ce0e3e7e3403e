/** The contract of the transport, over real sockets: whatever carries gRPC must pass this. Unary calls. */
import { afterEach, expect, test } from 'vitest'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { unary } from '../../../src/rpc/types.js'
import { deferred, echo, type World, world } from './support.js'

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
  const error = await rejection(w.channel.unary(echo, 'x', { metadata: { a: 'y'.repeat(4_096) } }))
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
