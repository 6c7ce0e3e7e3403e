import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { connect as connectSocket, type Socket } from 'node:net'
import { connect } from '../../../src/rpc/channel.js'
import {
  type ChannelLimits,
  CLIENT_PORT_LIMITS,
  type ServerLimits,
} from '../../../src/rpc/limits.js'
import { createServer } from '../../../src/rpc/server.js'
import type {
  Channel,
  Codec,
  Route,
  Server,
  StreamMethod,
  UnaryMethod,
} from '../../../src/rpc/types.js'

/** Text as bytes; what is no UTF-8 does not decode. */
const text: Codec<string> = {
  encode: (message) => Buffer.from(message),
  decode: (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
}

export const echo: UnaryMethod<string, string> = {
  kind: 'unary',
  path: '/test.Echo/Echo',
  request: text,
  response: text,
}

export const chat: StreamMethod<string, string> = {
  kind: 'stream',
  path: '/test.Echo/Chat',
  request: text,
  response: text,
  joins: false,
}

export interface World {
  readonly server: Server
  readonly channel: Channel
  readonly port: number
  readonly errors: unknown[]
  end(): Promise<void>
}

export async function world(
  routes: Route[],
  options: {
    limits?: Partial<ServerLimits>
    channelLimits?: Partial<ChannelLimits>
    http1?: RequestListener
  } = {},
): Promise<World> {
  const errors: unknown[] = []
  const server = createServer({
    routes,
    limits: { ...CLIENT_PORT_LIMITS, ...options.limits },
    ...(options.http1 === undefined ? {} : { http1: options.http1 }),
    onError: (error) => errors.push(error),
  })
  const { port } = await server.listen('127.0.0.1', 0)
  const channel = connect(`127.0.0.1:${port}`, options.channelLimits)
  return {
    server,
    channel,
    port,
    errors,
    end: async () => {
      channel.close()
      await server.close(0)
    },
  }
}

export async function dial(port: number): Promise<Socket> {
  const socket = connectSocket({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** All that the other side sends until it closes. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((r) => {
    resolve = r
  })
  return { promise, resolve }
}
