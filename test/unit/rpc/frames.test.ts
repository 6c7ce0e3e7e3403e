/** Frames in any order at an open port, whole connections of them in one segment or one by one: nobody may end the process. */
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { nextInt, pick, type RandomState, seededRandom } from '../../../src/base/random.js'
import { PREFACE } from '../../../src/rpc/http2-opening.js'
import { streaming, unary } from '../../../src/rpc/types.js'
import { message, rawFrame, rawHeaders, reset, TYPE } from './raw-frames.js'
import { chat, dial, echo, type World, world } from './support.js'

const CONNECTIONS = 2_000
const AT_ONCE = 40
const BEGUN = Buffer.concat([PREFACE, rawFrame(TYPE.SETTINGS, 0, 0)])

let w: World
afterEach(() => w.end())

async function open(): Promise<void> {
  const routes = [
    unary(echo, (request, context) => {
      context.onCancelled(() => context.peer)
      if (request === 'throw') throw new Error('as asked')
      return request === 'later' ? new Promise((done) => setImmediate(done, request)) : request
    }),
    streaming(chat, (stream) => {
      stream.onMessage((text) => {
        stream.write(text)
        if (text === 'later') stream.end()
      })
      stream.onEnd(() => stream.end())
    }),
  ]
  w = await world(routes, {
    limits: { receiveBytesMax: 4_000 },
    http1: (_, answer) => answer.end(),
  })
}

function below(random: RandomState, bound: number): number {
  return nextInt(random, 0, bound - 1)
}

function someHeaders(random: RandomState): Buffer {
  const now = (share: number, fields: Record<string, string>) =>
    below(random, share) === 0 ? fields : {}
  return rawHeaders({
    ':method': pick(random, ['POST', 'POST', 'POST', 'GET', 'HEAD', 'CONNECT']),
    ':scheme': 'http',
    ':path': pick(random, [echo.path, chat.path, '/test.Echo/No', '*']),
    ':authority': 'x',
    'content-type': pick(random, ['application/grpc', 'application/grpc+proto', 'text/html']),
    ...now(4, { 'grpc-timeout': pick(random, ['0m', '1m', '1S', 'x', '99999999H']) }),
    ...now(5, { 'grpc-encoding': pick(random, ['gzip', 'identity', 'zip']) }),
    ...now(9, { expect: '100-continue' }),
    ...now(9, { 'x-bin': '!!' }),
  })
}

function someData(random: RandomState): Buffer {
  const texts = ['hello', 'throw', 'later', '', 'y'.repeat(5_000)]
  const whole = message(pick(random, texts), pick(random, [0, 0, 0, 1, 9]))
  return pick(random, [whole, Buffer.concat([whole, whole]), whole.subarray(0, below(random, 9))])
}

/** On this stream of the caller, mostly. */
function someFrame(random: RandomState, current: number): Buffer {
  const stream = pick(random, [current, current, current, 0, 1, current + 2])
  const frames = [
    () => rawFrame(TYPE.HEADERS, pick(random, [0, 4, 4, 4, 5]), current, someHeaders(random)),
    () => rawFrame(TYPE.DATA, pick(random, [0, 1, 1]), stream, someData(random)),
    () => reset(stream, pick(random, [0, 1, 5, 7, 8, 11])),
    () => rawFrame(TYPE.GOAWAY, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, below(random, 3)])),
    () => rawFrame(TYPE.WINDOW_UPDATE, 0, stream, Buffer.from([0, 0, 0, below(random, 256)])),
    () => rawFrame(TYPE.PING, 0, 0, Buffer.alloc(8)),
    () => rawFrame(TYPE.SETTINGS, 0, 0, Buffer.from([0, below(random, 7), 0, 0, 0, 9])),
    () => rawFrame(TYPE.PRIORITY, 0, stream, Buffer.alloc(5)),
    () => rawFrame(TYPE.CONTINUATION, 4, stream, someHeaders(random)),
    () => rawFrame(TYPE.PUSH_PROMISE, 4, stream, Buffer.alloc(4)),
    () => Buffer.from([below(random, 256), below(random, 256), below(random, 256)]),
  ]
  const often = [0, 0, 0, 0, 1, 1, 1, 2, 2]
  return frames[pick(random, [...often, ...frames.keys()])]?.() ?? Buffer.alloc(0)
}

async function connection(random: RandomState): Promise<void> {
  const frames: Buffer[] = []
  let stream = 1
  for (let left = 1 + below(random, 8); left > 0; left--) {
    frames.push(someFrame(random, stream))
    if (below(random, 3) === 0) stream += 2
  }
  const oneByOne = below(random, 3) === 0
  const socket = await dial(w.port)
  socket.resume()
  const pieces = oneByOne ? [BEGUN, ...frames] : [Buffer.concat([BEGUN, ...frames])]
  for (const piece of pieces) {
    socket.write(piece)
    // What was sent so far is read, and much of it answered, before the next comes, or the end.
    for (let turns = 0; turns < 3; turns++) await new Promise(setImmediate)
  }
  socket.destroy()
  if (!socket.closed) await once(socket, 'close')
}

test.each([1, 2])('seed %i', async (seed) => {
  await open()
  const random = seededRandom(seed)
  let left = CONNECTIONS / 2
  const client = async () => {
    while (left-- > 0) await connection(random)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  expect(await w.channel.unary(echo, 'still here')).toBe('still here')
})
