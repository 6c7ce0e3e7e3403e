/**
 * To one replica: a stream on which commands go and on which it tells what requests under our key come to. It is opened
 * when first needed, and again when it is lost.
 */
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import type { Command, Result } from '../../gen/quorate/v1/quorate.js'
import { Code, type RpcError } from '../../rpc/status.js'
import type { Channel } from '../../rpc/types.js'
import { asRpcError } from '../attempts.js'
import { STATUS } from '../methods.js'
import { neverSent, whyUnreachable } from '../verdict.js'
import { type CommandStream, commandStream, SESSIONS_MAX } from './command-stream.js'

/** One message carries at most so many commands. */
const MESSAGE_COMMANDS_MAX = 256
/** A lost stream is opened again no sooner. */
const REOPEN_MS_MIN = 100

export interface LinkEvents {
  /** The client's, public. */
  readonly key: Uint8Array
  /** Proves to that replica that we may hear replies to our key. */
  proof(replica: NodeId): Uint8Array
  result(link: ReplicaLink, result: Result): void
  lost(link: ReplicaLink, loss: Loss): void
  /** It answers. */
  up(link: ReplicaLink): void
}

/** The stream is gone. */
export interface Loss {
  readonly why: string
  /** The replica will not have us. */
  readonly denied: boolean
  /** What it certainly never got. */
  readonly untold: readonly Request[]
}

export class ReplicaLink {
  readonly endpoint: string
  /** As it calls itself: not to be believed, for nothing but where to send. */
  name: NodeId | null = null
  readonly #channel: Channel
  readonly #dialTimeoutMs: number
  readonly #events: LinkEvents
  readonly #sessions: number[] = []
  #stream: CommandStream | null = null
  #heard = true
  #opening = false
  #reopenAt = 0
  #outgoing: Request[] = []
  #flushDue = false
  #held = false
  #closed = false

  constructor(endpoint: string, channel: Channel, dialTimeoutMs: number, events: LinkEvents) {
    this.endpoint = endpoint
    this.#channel = channel
    this.#dialTimeoutMs = dialTimeoutMs
    this.#events = events
  }

  send(request: Request): void {
    this.#outgoing.push(request)
    if (this.#stream === null) this.open(performance.now())
    else this.#schedule()
  }

  /** If it is not open, and was not lost just now. `now`: ms, monotonic. */
  open(now: number): void {
    if (this.#closed || this.#stream !== null || this.#opening) return
    if (now < this.#reopenAt) {
      if (this.#outgoing.length > 0) this.#drop('connection lost')
      return
    }
    this.#opening = true
    const timeoutMs = this.#dialTimeoutMs
    this.#channel.unary(STATUS, {}, { timeoutMs }).then(
      ({ name }) => this.#onNamed(name),
      (error: unknown) => this.#onLost(asRpcError(error)),
    )
  }

  /** Whether it is to tell us what all requests under our key come to; else it answers only what it is asked itself. */
  hear(on: boolean): void {
    if (on === this.#heard) return
    this.#heard = on
    if (this.name === null) return
    const wish = on ? this.#events.proof(this.name) : this.#events.key
    this.#stream?.write({ commands: [], listen: [wish] })
  }

  /** Results of this session are ours, whichever replica was asked. */
  claim(session: number): void {
    if (session === 0 || this.#sessions.includes(session)) return
    if (this.#sessions.push(session) > SESSIONS_MAX) this.#sessions.shift()
    this.#stream?.claim(session)
  }

  close(): void {
    this.#closed = true
    this.#stream?.cancel()
  }

  #onNamed(name: NodeId): void {
    if (this.#closed) return
    this.#opening = false
    this.name = name
    const stream = commandStream(this.#channel, {
      result: (result) => this.#events.result(this, result),
      drained: () => {
        this.#held = false
        this.#flush()
      },
      closed: (error) => {
        if (this.#stream === stream) this.#onLost(error)
      },
    })
    this.#stream = stream
    for (const session of this.#sessions) stream.claim(session)
    if (this.#heard) stream.write({ commands: [], listen: [this.#events.proof(name)] })
    this.#events.up(this)
    this.#flush()
  }

  #schedule(): void {
    if (this.#flushDue || this.#held) return
    this.#flushDue = true
    setImmediate(() => {
      this.#flushDue = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#stream !== null && this.#outgoing.length > 0 && !this.#held) {
      const commands = this.#outgoing.splice(0, MESSAGE_COMMANDS_MAX).map(toCommand)
      if (!this.#stream.write({ commands, listen: [] })) this.#held = true
    }
  }

  #onLost(error: RpcError | null): void {
    if (this.#closed) return
    this.#opening = false
    this.#stream = null
    this.#held = false
    this.#reopenAt = performance.now() + REOPEN_MS_MIN
    if (error === null) this.#drop('the stream ended')
    else if (neverSent(error)) this.#drop(whyUnreachable(error))
    else this.#drop(error.message, error.code === Code.PERMISSION_DENIED)
  }

  #drop(why: string, denied = false): void {
    const untold = this.#outgoing
    this.#outgoing = []
    // Not inside the call that asked for it.
    queueMicrotask(() => this.#events.lost(this, { why, denied, untold }))
  }
}

function toCommand(request: Request): Command {
  const { session, seq, ackedThrough, command, auth, readOnly } = request
  return {
    session,
    seq,
    ackedThrough,
    command,
    timeoutMs: 0,
    ...(auth === undefined ? {} : { auth }),
    ...(readOnly === undefined ? {} : { readOnly }),
  }
}
