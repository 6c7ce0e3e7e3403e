/**
 * Runs the pure PBFT client (`core/pbft-step.ts`) over real streams: what it sends is signed, a signature a turn, and
 * what comes back counts only under the seal of a replica.
 */
import { randomBytes } from 'node:crypto'
import { equalBytes } from '../../base/bytes.js'
import type { NodeId } from '../../consensus/ids.js'
import { nodeSuite } from '../../crypto/node.js'
import type { Signer } from '../../crypto/ports.js'
import type { Result } from '../../gen/quorate/v1/quorate.js'
import type { Channels } from '../channels.js'
import { numberOf, type PbftClientEffect, type PbftClientInput } from '../core/pbft-state.js'
import { believedPrimary, believedView, stepPbftClient } from '../core/pbft-step.js'
import { SESSION_EXPIRED } from '../core/session.js'
import type { ClientOutcome } from '../core/state.js'
import { ClientError } from '../errors.js'
import type { Settings } from '../options.js'
import { now, Runner } from '../runner.js'
import { type Asked, AskedRequests } from './asked.js'
import type { Loss, ReplicaLink } from './link.js'
import { type Met, meet, type PbftTrust } from './meeting.js'

/** So late a deadline or a lost answer may be noticed. A tick takes 4 µs, and each of a process's clients has its own. */
const TICK_MS = 25

export interface PbftSetup extends PbftTrust {
  readonly channels: Channels
}

interface Call {
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: ClientError) => void
}

export class PbftEngine {
  readonly nodes: readonly string[]
  readonly #settings: Settings
  readonly #channels: Channels
  readonly #trust: PbftTrust
  readonly #signer: Signer
  readonly #runner: Runner<PbftClientInput>
  readonly #calls = new Map<number, Call>()
  readonly #unreachable = new Map<string, string>()
  /** Endpoints that will not have us; more than f cannot all be lying. */
  readonly #denied = new Set<string>()
  #meeting: Promise<void> | null = null
  /** Null before it is known whom to believe. */
  #met: Met | null = null
  #asked: AskedRequests | null = null
  #lastId = 0
  #closed = false

  constructor(endpoints: readonly string[], settings: Settings, of: PbftSetup) {
    this.nodes = endpoints
    this.#settings = settings
    this.#channels = of.channels
    this.#trust = of
    this.#signer = of.signer ?? nodeSuite.signer(new Uint8Array(randomBytes(32)))
    this.#runner = new Runner({
      step: (input) => this.#step(input),
      tick: () => {
        for (const link of this.#met?.links ?? []) link.open(performance.now())
        this.#runner.feed({ type: 'Tick', now: now() })
      },
      idle: () => this.#calls.size === 0,
      tickMs: TICK_MS,
    })
  }

  /** Where the cluster is taken to be; null before it was first asked. */
  get believed(): { readonly view: number; readonly primary: NodeId } | null {
    const core = this.#met?.core
    return core === undefined ? null : { view: believedView(core), primary: believedPrimary(core) }
  }

  /** Endpoints that do not answer, and why. */
  get unreachable(): ReadonlyMap<string, string> {
    return this.#unreachable
  }

  /** What f+1 replicas say that it came to. */
  async run(
    kind: 'command' | 'query',
    payload: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array> {
    const deadline = now() + timeoutMs
    this.#meeting ??= this.#meet()
    try {
      await this.#meeting
    } catch (error) {
      this.#meeting = null
      throw error
    }
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new ClientError('Closed', 'the client is closed'))
        return
      }
      const id = ++this.#lastId
      this.#calls.set(id, { resolve, reject })
      this.#runner.startClock()
      this.#runner.feed({ type: kind === 'command' ? 'Command' : 'Query', id, payload, deadline })
    })
  }

  close(): void {
    this.#closed = true
    this.#runner.stopClock()
    this.#asked?.close()
    for (const link of this.#met?.links ?? []) link.close()
    for (const call of this.#calls.values())
      call.reject(new ClientError('Indeterminate', 'the client was closed before the answer came'))
    this.#calls.clear()
  }

  async #meet(): Promise<void> {
    this.#met = await meet({
      endpoints: this.nodes,
      settings: this.#settings,
      channels: this.#channels,
      trust: this.#trust,
      signer: this.#signer,
      events: {
        result: (link, result) => this.#onResult(link, result),
        lost: (link, loss) => this.#onLost(link, loss),
        up: (link) => this.#unreachable.delete(link.endpoint),
      },
    })
    this.#asked = new AskedRequests(this.#met)
  }

  /** f: so many may lie. */
  get #faultyMax(): number {
    return this.#met?.core.faultyMax ?? 0
  }

  #step(input: PbftClientInput): void {
    if (this.#met === null) return
    for (const effect of stepPbftClient(this.#met.core, input)) this.#perform(effect)
  }

  #perform(effect: PbftClientEffect): void {
    switch (effect.type) {
      case 'Send':
        // The opening aside, everybody is asked only when f+1 did not answer in time.
        if (effect.to === null && effect.request.session !== 0) this.#met?.hearing.troubled()
        this.#asked?.send(effect)
        return
      case 'Forget':
        this.#asked?.forget(effect)
        return
      case 'Done':
        this.#settle(effect.id, effect.outcome)
    }
  }

  #onResult(link: ReplicaLink, result: Result): void {
    const { session, seq, outcome, voucher } = result
    const asked = this.#asked?.of(result)
    if (asked === undefined) return
    if (outcome?.$case === 'answer') {
      if (voucher === undefined) return
      const { replica, view, seal } = voucher
      const answer = outcome.value
      const reply = { replica, view, session, seq, request: asked.digest, answer }
      if (this.#met?.keyring.verifyReply(reply, seal) !== true) return
      asked.answers.push({ link, answer })
      this.#runner.feed({ type: 'Reply', replica, view, session, seq, answer })
      if (this.#asked?.of(result) === undefined) this.#agreed(asked, answer)
      return
    }
    if (outcome?.$case === 'invalid') {
      asked.invalid.set(link.endpoint, outcome.value.reason)
      // So many cannot all be lying, and would not have it from others either.
      if (asked.invalid.size > this.#faultyMax) this.#refuse(asked)
    }
    this.#runner.feed({ type: 'Refused', session, seq, told: true })
  }

  #agreed({ answers }: Asked, on: Uint8Array): void {
    const by = answers.filter(({ answer }) => equalBytes(answer, on)).map(({ link }) => link)
    this.#met?.hearing.agreed(new Set(by))
  }

  #onLost(link: ReplicaLink, { why, denied, untold }: Loss): void {
    if (this.#closed) return
    this.#met?.hearing.lost(link)
    this.#unreachable.set(link.endpoint, why)
    if (denied) this.#denied.add(link.endpoint)
    else this.#denied.delete(link.endpoint)
    if (this.#denied.size > this.#faultyMax)
      this.#rejectAll(new ClientError('NotPermitted', `this client's key is not accepted: ${why}`))
    for (const { session, seq } of untold) {
      const asked = this.#asked?.of({ session, seq })
      if (asked === undefined) continue
      asked.told.delete(link)
      this.#runner.feed({ type: 'Refused', session, seq, told: asked.told.size > 0 })
    }
    for (const { signed, told } of this.#asked?.all() ?? [])
      if (told.has(link))
        this.#runner.feed({ type: 'Refused', session: signed.session, seq: signed.seq, told: true })
    if (this.#settings.failFast) this.#failFast()
  }

  #failFast(): void {
    if (!this.nodes.every((node) => this.#unreachable.has(node))) return
    const reasons = this.nodes.map((node) => `${node}: ${this.#unreachable.get(node)}`)
    if (this.#asked?.all().some(({ told }) => told.size > 0)) return
    this.#rejectAll(new ClientError('Unavailable', `no endpoint answers (${reasons.join('; ')})`))
  }

  #refuse({ signed, invalid }: Asked): void {
    const [reason] = invalid.values()
    const error = new ClientError('InvalidRequest', reason ?? 'refused')
    if (signed.session === 0) {
      this.#rejectAll(error)
      return
    }
    const operation = this.#met?.core.byNumber.get(numberOf(signed))
    const call = this.#calls.get(operation?.id ?? 0)
    if (operation === undefined || call === undefined) return
    this.#calls.delete(operation.id)
    call.reject(error)
  }

  #rejectAll(error: ClientError): void {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.reject(error)
  }

  #settle(id: number, outcome: ClientOutcome): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    // It may have been given up before everybody was asked.
    if (outcome.type !== 'Answer') this.#met?.hearing.troubled()
    if (outcome.type === 'Answer') call.resolve(outcome.bytes)
    else call.reject(this.#errorOf(outcome))
  }

  #errorOf(outcome: Exclude<ClientOutcome, { type: 'Answer' }>): ClientError {
    const { type, reason } = outcome
    if (reason === SESSION_EXPIRED) return new ClientError('Indeterminate', reason)
    if (type === 'Failed' && reason.includes('wait')) return new ClientError('Overloaded', reason)
    const unreachable = [...this.#unreachable].map(([node, why]) => `${node}: ${why}`)
    const why = `${reason} before ${this.#faultyMax + 1} replicas agreed`
    const text = unreachable.length === 0 ? why : `${why} (${unreachable.join('; ')})`
    return new ClientError(type === 'Failed' ? 'Unavailable' : 'Indeterminate', text)
  }
}
