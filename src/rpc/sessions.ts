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
import type { OpenCalls } from './open-calls.js'

const PING_BYTES = 8

export class Sessions {
  readonly #limits: ServerLimits
  readonly #open: OpenCalls
  readonly #http2: Http2Server
  readonly #sockets = new Map<Http2Session, Socket>()
  /** Whose session is being made. */
  #joining: Socket | null = null

  constructor(
    limits: ServerLimits,
    open: OpenCalls,
    onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  ) {
    this.#limits = limits
    this.#open = open
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
    const alive = () => {
      if (patience !== null) clearTimeout(patience)
      patience = null
    }
    const asks = setInterval(() => {
      if (patience !== null) return
      const { moved } = this.#open.shareOf(session)
      const isOver = () => {
        patience = null
        // What he reads is a sign of life too: the question may stand behind much that is still to be read.
        if (session.destroyed || this.#open.shareOf(session).moved === moved) socket.destroy()
      }
      patience = setTimeout(isOver, keepaliveTimeoutMs)
      askForLife(session, alive)
    }, keepaliveMs)
    socket.once('close', () => {
      clearInterval(asks)
      if (patience !== null) clearTimeout(patience)
      this.#sockets.delete(session)
    })
  }
}

/** A session that ends is asked as well: it may have calls for as long as they last. */
function askForLife(session: ServerHttp2Session, alive: () => void): void {
  if (session.destroyed) return
  if (session.closed) {
    // Node sends no ping any more.
    session.settings({}, (error) => {
      if (error === null) alive()
    })
    return
  }
  // Not to be guessed by who does not read.
  const sent = randomBytes(PING_BYTES)
  session.ping(sent, (error, _, payload) => {
    if (error === null && sent.equals(payload)) alive()
  })
}
