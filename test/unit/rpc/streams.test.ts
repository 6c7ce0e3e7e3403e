/** The contract of the transport: streams. */
import { once } from 'node:events'
import {
  type AddressInfo,
  createServer as createTcp,
  connect as dialTcp,
  type Socket,
} from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { connect } from '../../../src/rpc/channel.js'
import { Code, RpcError } from '../../../src/rpc/status.js'
import { streaming } from '../../../src/rpc/types.js'
import { chat, deferred, type World, world } from './support.js'

let w: World
afterEach(() => w.end())

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

test.each(['message', 'end', 'close'])(
  'a bug in what a handler does at a %s ends its stream and nothing else',
  async (when) => {
    const bug = (now: string) => {
      if (now === when) throw new RangeError('a bug')
    }
    w = await world([
      streaming(chat, (stream) => {
        stream.onMessage((text) => {
          if (text === 'bug') bug('message')
          stream.write(text)
        })
        stream.onEnd(() => {
          bug('end')
          stream.end()
        })
        stream.onClose(() => bug('close'))
      }),
    ])
    const closed = deferred<RpcError | null>()
    const first = w.channel.stream(chat)
    first.onClose(closed.resolve)
    first.write('bug')
    first.end()
    const told = { code: Code.INTERNAL, message: 'internal error' }
    if (when === 'close') expect(await closed.promise).toBeNull()
    else expect(await closed.promise).toMatchObject(told)
    const heard = deferred<string>()
    const second = w.channel.stream(chat)
    second.onMessage(heard.resolve)
    second.write('well')
    expect(await heard.promise).toBe('well')
    expect(w.errors.map(String)).toEqual(['RangeError: a bug'])
    second.cancel()
  },
)

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
