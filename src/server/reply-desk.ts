/**
 * Where a replica's replies are sealed and given out. Those of one turn are sealed together: a signature a batch, not
 * a request.
 */
import { latin1Decode } from '../base/latin1.js'
import { principalOf } from '../consensus/auth.js'
import type { Entry, Request } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { Keyring } from '../crypto/keyring.js'
import { type Reply, requestDigest, signReplies, type Voice } from '../crypto/sealed.js'
import type { Expected, Hear, Listening, SignedDoor } from './signed-door.js'

/** Streams that listen, in all and under one key; the next is refused. */
const LISTENERS_MAX = 4_096
const LISTENERS_OF_KEY_MAX = 16

export interface ReplyDeskSetup {
  readonly replica: NodeId
  readonly voice: Voice
  readonly keyring: Keyring
  view(): number
  readonly machine: {
    storedAnswer(session: number, seq: number): Uint8Array | null
    /** Whether the session is the sender's. */
    mayUse(request: Pick<Request, 'session' | 'auth'>): boolean
  }
  /** Fault injection: what is told instead of an answer. Null: the truth. */
  readonly lie?: ((answer: Uint8Array) => Uint8Array) | null
  /** Runs what is due once this turn of the event loop is over: setImmediate. */
  later(task: () => void): void
}

interface Due {
  readonly reply: Reply
  readonly hear: readonly Hear[]
}

export class ReplyDesk implements SignedDoor {
  readonly #setup: ReplyDeskSetup
  /** By the client's key. */
  readonly #listeners = new Map<string, Set<Hear>>()
  #listenerCount = 0
  /** By the request's digest. As many as requests wait here, which the driver bounds. */
  readonly #expected = new Map<string, Set<Hear>>()
  #due: Due[] = []

  constructor(setup: ReplyDeskSetup) {
    this.#setup = setup
  }

  refusal(request: Request): string | null {
    if (request.auth === undefined) return "a command needs its client's signature (auth)"
    if (!this.#setup.keyring.verifyRequest(request))
      return "the signature is not good for this request, or its key is no client's here"
    return null
  }

  stored(request: Request, hear: Hear): boolean {
    const { machine } = this.#setup
    if (request.session === 0 || !machine.mayUse(request)) return false
    const answer = machine.storedAnswer(request.session, request.seq)
    if (answer === null) return false
    this.#push(request, this.#digest(request), { answer, hear: [hear] })
    return true
  }

  /**
   * By the request's digest, not by session and seq:
   * 1. A waits for its (4, 9). 2. B, with a key of its own, has another (4, 9) ordered before it, which is refused since
   * the session is A's. 3. Told by number, A hears that its request was refused for good, and yet it executes.
   */
  expect(request: Request, hear: Hear): Expected {
    const key = latin1Decode(this.#digest(request))
    const waiting = this.#expected.get(key) ?? new Set()
    this.#expected.set(key, waiting.add(hear))
    return {
      callOff: () => {
        const was = waiting.delete(hear)
        if (was && waiting.size === 0) this.#expected.delete(key)
        return was
      },
    }
  }

  listen(proof: Uint8Array, hear: Hear): Listening | null {
    const { keyring, replica } = this.#setup
    if (this.#listenerCount >= LISTENERS_MAX) return null
    const key = keyring.verifyListen(replica, proof)
    if (key === null) return null
    const principal = latin1Decode(key)
    const hearing = this.#listeners.get(principal) ?? new Set()
    if (hearing.size >= LISTENERS_OF_KEY_MAX) return null
    this.#listeners.set(principal, hearing.add(hear))
    this.#listenerCount++
    return { principal, end: () => this.#unlisten(principal, hear) }
  }

  /** To be called for each entry, behind the machine's own apply, in the same order. */
  applied(entry: Entry, answers: readonly Uint8Array[]): void {
    if (this.#listenerCount === 0 && this.#expected.size === 0) return
    entry.requests.forEach((request, i) => {
      const answer = answers[i]
      if (answer === undefined) return
      const digest = this.#digest(request)
      const key = latin1Decode(digest)
      const expecting = this.#expected.get(key)
      const hear = [
        ...(this.#listeners.get(latin1Decode(principalOf(request.auth))) ?? []),
        ...(expecting ?? []),
      ]
      expecting?.clear()
      this.#expected.delete(key)
      if (hear.length > 0) this.#push(request, digest, { answer, hear })
    })
  }

  #digest(request: Request): Uint8Array {
    const { suite, clusterId } = this.#setup.voice
    return requestDigest(suite, clusterId, request)
  }

  #push(
    { session, seq }: Request,
    digest: Uint8Array,
    { answer, hear }: { readonly answer: Uint8Array; readonly hear: readonly Hear[] },
  ): void {
    const { replica } = this.#setup
    const view = this.#setup.view()
    const told = this.#setup.lie?.(answer) ?? answer
    const reply: Reply = { replica, view, session, seq, request: digest, answer: told }
    if (this.#due.push({ reply, hear }) === 1) this.#setup.later(() => this.#flush())
  }

  #flush(): void {
    const due = this.#due
    this.#due = []
    const seals = signReplies(
      this.#setup.voice,
      due.map(({ reply }) => reply),
    )
    due.forEach(({ reply, hear }, i) => {
      const { replica, view, session, seq, answer } = reply
      const voucher = { replica, view, seal: seals[i] ?? new Uint8Array(0) }
      for (const one of hear) one({ session, seq, answer, voucher })
    })
  }

  #unlisten(principal: string, hear: Hear): void {
    const hearing = this.#listeners.get(principal)
    if (hearing === undefined || !hearing.delete(hear)) return
    this.#listenerCount--
    if (hearing.size === 0) this.#listeners.delete(principal)
  }
}
