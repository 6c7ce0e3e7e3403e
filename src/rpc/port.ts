/**
 * One TCP port for gRPC and HTTP/1.1, as etcd's clients expect: the first four bytes tell. Responsible for the
 * number of connections, for sockets that say nothing, and for cutting off what outlives a close.
 */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { Pipeline } from './http/pipeline.js'
import { greetingOf, openingOf, PREFACE } from './http2-opening.js'
import { http2BoundsOf, type ServerLimits } from './limits.js'
import type { Listening } from './types.js'

/** So many bytes tell the two apart. */
const SNIFFED_BYTES = 4
/** A connection that was greeted and asks nothing for so long is handed over as it is. */
const FIRST_REQUEST_MS = 100
/** The whole preface of HTTP/2 and the head of the first SETTINGS frame. */
const HTTP2_OPENING_BYTES = 24 + 9

export interface PortOptions {
  readonly limits: ServerLimits
  readonly http1: RequestListener | null
  readonly onHttp2: (socket: Socket) => void
}

export class SharedPort {
  readonly #options: PortOptions
  readonly #net: NetServer
  readonly #http: ReturnType<typeof createHttpServer> | null
  readonly #sockets = new Set<Socket>()
  /** Sockets that have not yet shown which of the two they speak, or are still being greeted. */
  readonly #unknown = new Set<Socket>()
  /** Sockets that have sent a whole HTTP/1.1 request head. */
  readonly #spoken = new WeakSet<Socket>()
  readonly #greeting: Buffer
  #address: Listening | null = null

  constructor(options: PortOptions) {
    this.#options = options
    this.#greeting = greetingOf(http2BoundsOf(options.limits))
    this.#net = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    this.#http = options.http1 === null ? null : this.#makeHttp(options.http1)
  }

  get address(): Listening | null {
    return this.#address
  }

  listen(host: string, port: number): Promise<Listening> {
    return new Promise((resolve, reject) => {
      this.#net.once('error', reject)
      this.#net.listen({ host, port }, () => {
        this.#net.off('error', reject)
        // Accept errors (EMFILE ...) end no process: the connection is lost, the port stays.
        this.#net.on('error', () => {})
        const bound = this.#net.address()
        const address = {
          host,
          port: bound !== null && typeof bound === 'object' ? bound.port : port,
        }
        this.#address = address
        resolve(address)
      })
    })
  }

  /** No new connections; those without a request are closed. */
  stopAccepting(): void {
    this.#address = null
    if (this.#net.listening) this.#net.close()
    this.#http?.close(() => {})
    for (const socket of this.#unknown) socket.destroy()
  }

  /** Resolves when the last socket is closed. */
  drained(): Promise<void> {
    if (this.#sockets.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      for (const socket of this.#sockets)
        socket.once('close', () => {
          if (this.#sockets.size === 0) resolve()
        })
    })
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #makeHttp(handler: RequestListener): ReturnType<typeof createHttpServer> {
    const pipeline = new Pipeline(handler)
    const http = createHttpServer(
      {
        maxHeaderSize: this.#options.limits.headerBytesMax,
        headersTimeout: this.#options.limits.handshakeMsMax,
        requestTimeout: 30_000,
        keepAliveTimeout: 5_000,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => {
        this.#spoken.add(request.socket)
        pipeline.handle(request, response)
      },
    )
    http.setTimeout(this.#options.limits.stallMsMax, (socket) => {
      if (pipeline.isStalled(socket)) socket.destroy()
    })
    // It never listens itself, and only listening starts the watch over its timeouts.
    http.emit('listening')
    // Who has said all he has to say is answered nonetheless; Node's types do not know of it.
    return Object.assign(http, { httpAllowHalfOpen: true })
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= this.#options.limits.connectionsMax) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    const handshake = setTimeout(() => {
      const whole = this.#spoken.has(socket) || socket.bytesRead >= HTTP2_OPENING_BYTES
      if (!whole || this.#unknown.has(socket)) socket.destroy()
    }, this.#options.limits.handshakeMsMax)
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(handshake)
      this.#sockets.delete(socket)
      this.#unknown.delete(socket)
    })
    this.#unknown.add(socket)
    this.#sniff(socket)
  }

  #sniff(socket: Socket): void {
    let seen: Buffer = Buffer.alloc(0)
    const onData = (data: Buffer): void => {
      seen = seen.length === 0 ? data : Buffer.concat([seen, data])
      const shared = Math.min(seen.length, SNIFFED_BYTES)
      const matches = seen.compare(PREFACE, 0, shared, 0, shared) === 0
      if (matches && shared < SNIFFED_BYTES) return
      socket.off('data', onData)
      if (matches) {
        this.#open(socket, seen)
        return
      }
      this.#known(socket, seen)
      if (this.#http !== null && isLetter(seen[0])) {
        socket.allowHalfOpen = true
        this.#http.emit('connection', socket)
        socket.resume()
      } else {
        // TLS to a plaintext port, or garbage: nothing that could be answered.
        socket.destroy()
      }
    }
    socket.on('data', onData)
  }

  /** It speaks HTTP/2: handed over at once, or once it has been greeted. */
  #open(socket: Socket, first: Buffer): void {
    let seen = first
    let greeted = false
    let idle: NodeJS.Timeout | null = null
    const handOver = (bytes: Buffer): void => {
      if (idle !== null) clearTimeout(idle)
      socket.off('data', onData)
      if (socket.destroyed || socket.readableEnded) {
        // He has hung up: nothing can be put back for anybody to read.
        socket.destroy()
        return
      }
      this.#known(socket, bytes)
      // Not resumed: HTTP/2 reads the socket by itself.
      if (!socket.destroyed) this.#options.onHttp2(socket)
    }
    const look = (): void => {
      const opening = openingOf(seen, greeted)
      if (opening.type === 'Greet') {
        greeted = true
        socket.write(this.#greeting)
        return
      }
      if (opening.type === 'Ready') return handOver(opening.bytes)
      if (idle !== null) clearTimeout(idle)
      if (opening.type === 'Idle') idle = setTimeout(handOver, FIRST_REQUEST_MS, opening.bytes)
    }
    const onData = (data: Buffer): void => {
      seen = Buffer.concat([seen, data])
      look()
    }
    socket.on('data', onData)
    socket.once('close', () => {
      if (idle !== null) clearTimeout(idle)
    })
    look()
  }

  /** Whoever reads it from now on begins with these bytes. */
  #known(socket: Socket, bytes: Buffer): void {
    this.#unknown.delete(socket)
    socket.pause()
    socket.unshift(bytes)
  }
}

/** Methods of HTTP/1.1 are upper-case words. */
function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a
}
