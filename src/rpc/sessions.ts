/**
 * The HTTP/2 sessions of a server: their bounds, signs of life, and end. Node holds on to a session whose socket takes
 * nothing, and to a socket that its own HTTP/2 no longer reads; who gives no sign of life loses the socket itself.
 */
import { randomBytes } from 'node:crypto'
import {
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { http2BoundsOf, type ServerLimits } from './limits.js'

const PING_BYTES = 8

export class Sessions {
  readonly #limits: ServerLimits
  readonly #http2: Http2Server
  readonly #sockets = new Map<Http2Session, Socket>()
  /** Whose session is being made. */
  #joining: Socket | null = null

  constructor(
    limits: ServerLimits,
    onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  ) {
    this.#limits = limits
    this.#http2 = createServer({
      maxSessionMemory: limits.sessionMiBMax,
      settings: http2BoundsOf(limits),
    })
    this.#http2.on('session', (session: ServerHttp2Session) => this.#begin(session))
    this.#http2.on('stream', onStream)
    // Each is followed by the end of its session.
    this.#http2.on('sessionError', () => {})
  }

  /** A connection that speaks HTTP/2. */
  open(socket: Socket): void {
    this.#joining = socket
    this.#http2.emit('connection', socket)
    this.#joining = null
  }

  /** Of a session, whatever became of it. */
  cutOff(session: Http2Session): void {
    this.#sockets.get(session)?.destroy()
  }

  /** No new calls; each session ends with its last one. */
  close(): void {
    for (const session of this.#sockets.keys()) if (!session.destroyed) session.close()
  }

  #begin(session: ServerHttp2Session): void {
    const socket = this.#joining
    if (socket === null) return
    this.#sockets.set(session, socket)
    session.on('error', () => {})
    // Not within the event: the session is not set up yet.
    process.nextTick(() => {
      if (!session.destroyed) session.setLocalWindowSize(this.#limits.windowBytes)
    })
    const { keepaliveMs, keepaliveTimeoutMs } = this.#limits
    let patience: NodeJS.Timeout | null = null
    const cut = () => socket.destroy()
    const asks = setInterval(() => {
      if (session.destroyed) return cut()
      if (patience !== null) return
      patience = setTimeout(cut, keepaliveTimeoutMs)
      // Not to be guessed by who does not read.
      session.ping(randomBytes(PING_BYTES), (error) => {
        if (error !== null || patience === null) return
        clearTimeout(patience)
        patience = null
      })
    }, keepaliveMs)
    socket.once('close', () => {
      clearInterval(asks)
      if (patience !== null) clearTimeout(patience)
      this.#sockets.delete(session)
    })
  }
}
