/**
 * The requests that wait for f+1 replies: each is signed once, a signature for those of one turn of the event loop, and it is
 * remembered to whom it went and who brought which answer.
 */
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { requestDigest, signRequests, type Voice } from '../../crypto/sealed.js'
import { numberOf, type PbftClientState } from '../core/pbft-state.js'
import type { ReplicaLink } from './link.js'
import type { Met } from './meeting.js'

type Numbered = Pick<Request, 'session' | 'seq'>

/** `to` null: everybody. */
interface Send {
  readonly to: NodeId | null
  readonly request: Request
}

export interface Asked {
  readonly digest: Uint8Array
  readonly signed: Request
  /** To whom it went, or may have gone. */
  readonly told: Set<ReplicaLink>
  /** Who brought which answer. */
  readonly answers: { readonly link: ReplicaLink; readonly answer: Uint8Array }[]
  /** Endpoints that refuse it as it is, and why. */
  readonly invalid: Map<string, string>
}

export class AskedRequests {
  readonly #voice: Voice
  readonly #links: readonly ReplicaLink[]
  readonly #core: PbftClientState
  readonly #asked = new Map<string, Asked>()
  #toSend: Send[] = []
  #closed = false

  constructor({ voice, links, core }: Pick<Met, 'voice' | 'links' | 'core'>) {
    this.#voice = voice
    this.#links = links
    this.#core = core
  }

  of(numbered: Numbered): Asked | undefined {
    return this.#asked.get(numberOf(numbered))
  }

  /** A list of its own: what is done with one may end others. */
  all(): Asked[] {
    return [...this.#asked.values()]
  }

  /** What the callers ask in one turn of the event loop is signed together. */
  send(one: Send): void {
    if (this.#toSend.push(one) === 1) setImmediate(() => this.#flush())
  }

  forget(numbered: Numbered): void {
    this.#asked.delete(numberOf(numbered))
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#closed = true
  }

  #flush(): void {
    const sends = this.#toSend
    this.#toSend = []
    if (this.#closed) return
    this.#sign(sends.map(({ request }) => request))
    for (const { to, request } of sends) {
      const asked = this.of(request)
      if (asked === undefined) continue
      for (const link of this.#links) link.claim(request.session)
      const named = to === null ? [] : this.#links.filter((link) => link.name === to)
      for (const link of named.length > 0 ? named : this.#links) {
        asked.told.add(link)
        link.send(asked.signed)
      }
    }
  }

  #sign(requests: readonly Request[]): void {
    const { suite, clusterId } = this.#voice
    const unsigned = requests.filter(
      (request) => this.of(request) === undefined && this.#waitsFor(request),
    )
    for (const signed of signRequests(this.#voice, unsigned)) {
      const digest = requestDigest(suite, clusterId, signed)
      this.#asked.set(numberOf(signed), {
        digest,
        signed,
        told: new Set(),
        answers: [],
        invalid: new Map(),
      })
    }
  }

  /** False once it has ended, between the step that sent it and now. */
  #waitsFor(request: Request): boolean {
    return this.#core.byNumber.has(numberOf(request))
  }
}
