/**
 * `hasleader: true` among a call's metadata: it is refused where no leader is known, and a stream ends once there was none
 * for three election timeouts, so that a client of a member that is cut off goes elsewhere.
 */
import { Code, RpcError } from '../../rpc/status.js'
import type { CallContext, Route, ServerStream } from '../../rpc/types.js'

export interface LeaderView {
  leaderKnown(): boolean
  readonly electionTimeoutMs: number
}

/** Looks without a leader, one an election timeout, after which streams end. */
const LEADERLESS_MAX = 3

type AnyStream = ServerStream<unknown, unknown>

export function requireLeader(routes: readonly Route[], view: LeaderView): Route[] {
  const streams = new LeaderStreams(view)
  return routes.map((route): Route => {
    if (route.kind === 'unary') {
      const { handler } = route
      const checked: typeof handler = (request, context) => {
        if (asksForLeader(context) && !view.leaderKnown()) throw noLeader()
        return handler(request, context)
      }
      return { ...route, handler: checked }
    }
    const { handler } = route
    const checked: typeof handler = (stream, context) => {
      if (!asksForLeader(context)) handler(stream, context)
      else if (view.leaderKnown()) handler(streams.watched(stream), context)
      else stream.fail(noLeader())
    }
    return { ...route, handler: checked }
  })
}

function asksForLeader(context: CallContext): boolean {
  return context.metadata('hasleader') === 'true'
}

function noLeader(): RpcError {
  return new RpcError(Code.UNAVAILABLE, 'etcdserver: no leader')
}

class LeaderStreams {
  readonly #view: LeaderView
  readonly #open = new Set<AnyStream>()
  #timer: NodeJS.Timeout | null = null
  #leaderless = 0

  constructor(view: LeaderView) {
    this.#view = view
  }

  /** The same stream, which leaves when it closes. */
  watched(stream: AnyStream): AnyStream {
    this.#open.add(stream)
    this.#timer ??= setInterval(() => this.#look(), this.#view.electionTimeoutMs)
    let closed: (error: RpcError | null) => void = () => {}
    stream.onClose((error) => {
      this.#open.delete(stream)
      this.#rest()
      closed(error)
    })
    return {
      write: (message) => stream.write(message),
      get queuedBytes() {
        return stream.queuedBytes
      },
      onDrain: (callback) => stream.onDrain(callback),
      onMessage: (callback) => stream.onMessage(callback),
      onEnd: (callback) => stream.onEnd(callback),
      onClose: (callback) => {
        closed = callback
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      fail: (error) => stream.fail(error),
    }
  }

  #look(): void {
    this.#leaderless = this.#view.leaderKnown() ? 0 : this.#leaderless + 1
    if (this.#leaderless < LEADERLESS_MAX) return
    for (const stream of [...this.#open]) stream.fail(noLeader())
    this.#open.clear()
    this.#rest()
  }

  #rest(): void {
    if (this.#open.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
    this.#leaderless = 0
  }
}
