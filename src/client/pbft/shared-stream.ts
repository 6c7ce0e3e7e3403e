/**
 * One stream to a replica for many clients: what all of them ask in a turn is one message, and so is what the replica tells
 * them. A result is known by its session, and each client claims its own. An opening has none yet, and is told to
 * all: whose it is, its nonce says.
 */
import { latin1Decode, latin1Encode } from '../../base/latin1.js'
import { PRINCIPAL_BYTES, principalOf } from '../../consensus/auth.js'
import type {
  Command,
  Result,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../../gen/quorate/v1/quorate.js'
import type { RpcError } from '../../rpc/status.js'
import {
  type CommandEvents,
  type CommandStream,
  type RawCommandStream,
  refusedToHear,
  SESSIONS_MAX,
} from './command-stream.js'

/** One message carries at most so many commands. */
const MESSAGE_COMMANDS_MAX = 256

export class SharedStream {
  readonly #open: () => RawCommandStream
  readonly #shares = new Set<Share>()
  readonly #bySession = new Map<number, Share>()
  /** By the key that is heard, as latin1: clients may have the same. */
  readonly #byKey = new Map<string, Set<Share>>()
  #stream: RawCommandStream | null = null
  #commands: Command[] = []
  #wishes: Uint8Array[] = []
  #flushDue = false
  #held = false

  /** `open`: when the first client wants it, and again after it was lost. */
  constructor(open: () => RawCommandStream) {
    this.#open = open
  }

  /** One more client's part of it. */
  share(events: CommandEvents): CommandStream {
    this.#stream ??= this.#opened()
    const share = new Share(this, events)
    this.#shares.add(share)
    return share
  }

  write(share: Share, { commands, listen }: SubmitCommandsRequest): boolean {
    for (const wish of listen) this.#wish(share, wish)
    for (const command of commands) this.#commands.push(command)
    this.#flushSoon()
    return !this.#held
  }

  claim(share: Share, session: number): void {
    const { sessions } = share
    if (sessions.push(session) > SESSIONS_MAX) this.#bySession.delete(sessions.shift() ?? 0)
    this.#bySession.set(session, share)
  }

  /** This client is heard no more; with the last one the stream ends. */
  leave(share: Share): void {
    if (!this.#shares.delete(share)) return
    for (const session of share.sessions) this.#bySession.delete(session)
    for (const [key, hearing] of this.#byKey) if (hearing.has(share)) this.#unhear(share, key)
    if (this.#shares.size > 0) return
    this.#stream?.cancel()
    this.#forget()
  }

  #opened(): RawCommandStream {
    const stream = this.#open()
    stream.onMessage((message) => this.#receive(message))
    stream.onDrain(() => {
      this.#held = false
      this.#flush()
      // What waited here may have filled it again.
      if (!this.#held) for (const share of [...this.#shares]) share.drained()
    })
    stream.onEnd(() => stream.end())
    stream.onClose((error) => {
      if (this.#stream === stream) this.#lost(error)
    })
    return stream
  }

  #wish(share: Share, wish: Uint8Array): void {
    const key = latin1Decode(principalOf(wish))
    if (wish.length === PRINCIPAL_BYTES) {
      this.#unhear(share, key)
      return
    }
    const hearing = this.#byKey.get(key) ?? new Set()
    this.#byKey.set(key, hearing.add(share))
    this.#wishes.push(wish)
  }

  /** The replica is told when nobody hears the key any more. */
  #unhear(share: Share, key: string): void {
    const hearing = this.#byKey.get(key)
    if (hearing?.delete(share) !== true || hearing.size > 0) return
    this.#byKey.delete(key)
    this.#wishes.push(latin1Encode(key))
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#flushDue) return
    this.#flushDue = true
    setImmediate(() => {
      this.#flushDue = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#stream !== null && !this.#held) {
      const commands = this.#commands.splice(0, MESSAGE_COMMANDS_MAX)
      const listen = this.#wishes.splice(0)
      if (commands.length + listen.length === 0) return
      if (!this.#stream.write({ commands, listen })) this.#held = true
    }
  }

  #receive({ results, refused }: SubmitCommandsResponse): void {
    // Why what was asked is refused, before that it is.
    for (const key of refused)
      for (const share of [...(this.#byKey.get(latin1Decode(key)) ?? [])]) {
        share.lost(refusedToHear())
        this.leave(share)
      }
    for (const result of results) {
      if (result.session !== 0) this.#bySession.get(result.session)?.take(result)
      else for (const share of [...this.#shares]) share.take(result)
    }
  }

  #lost(error: RpcError | null): void {
    const shares = [...this.#shares]
    this.#forget()
    for (const share of shares) share.lost(error)
  }

  #forget(): void {
    this.#stream = null
    this.#held = false
    this.#commands = []
    this.#wishes = []
    this.#shares.clear()
    this.#bySession.clear()
    this.#byKey.clear()
  }
}

class Share implements CommandStream {
  /** Those that it claims, the newest last. */
  readonly sessions: number[] = []
  readonly #of: SharedStream
  readonly #events: CommandEvents
  #closed = false

  constructor(of: SharedStream, events: CommandEvents) {
    this.#of = of
    this.#events = events
  }

  write(message: SubmitCommandsRequest): boolean {
    return this.#closed || this.#of.write(this, message)
  }

  claim(session: number): void {
    if (!this.#closed) this.#of.claim(this, session)
  }

  cancel(): void {
    if (this.#closed) return
    this.#closed = true
    this.#of.leave(this)
  }

  take(result: Result): void {
    if (!this.#closed) this.#events.result(result)
  }

  drained(): void {
    if (!this.#closed) this.#events.drained()
  }

  lost(error: RpcError | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#events.closed(error)
  }
}
