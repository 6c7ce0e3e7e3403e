/**
 * Runs the pure PBFT client (`core/pbft-step.ts`) over real streams: what it sends is signed, a signature a turn, and
 * what comes back counts only under the seal of a replica.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { equalBytes } from '../../base/bytes.js'
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { Keyring } from '../../crypto/keyring.js'
import { nodeSuite } from '../../crypto/node.js'
import type { Signer } from '../../crypto/ports.js'
import { RequestMacs } from '../../crypto/request-macs.js'
import { requestDigest, signListen, signRequests, type Voice } from '../../crypto/sealed.js'
import type { Result } from '../../gen/quorate/v1/quorate.js'
import type { Channels } from '../channels.js'
import {
  newPbftClient,
  type PbftClientEffect,
  type PbftClientInput,
  type PbftClientState,
} from '../core/pbft-state.js'
import { believedPrimary, believedView, stepPbftClient } from '../core/pbft-step.js'
import { SESSION_EXPIRED } from '../core/session.js'
import type { ClientOutcome } from '../core/state.js'
import { ClientError } from '../errors.js'
import { STATUS } from '../methods.js'
import type { Settings } from '../options.js'
import { now, Runner } from '../runner.js'
import { SESSIONS } from '../sessions.js'
import { Hearing } from './hearing.js'
import { type Loss, ReplicaLink } from './link.js'
import { type Trust, trustOnFirstUse } from './trust.js'

/** So late a deadline or a lost answer may be noticed. A tick takes 4 µs, and each of a process's clients has its own. */
const TICK_MS = 25
const AGAIN_MS_MAX = 3_200

export interface PbftTrust {
  /** Whom to believe; absent: what Q of the endpoints say. */
  readonly cluster?: Trust
  /** Absent: a key of this client's alone, thrown away with it. */
  readonly signer?: Signer
  /**
   * Shared by clients of one process that believe the same cluster: what one of them has verified, the others know. Absent: one
   * of this client's alone.
   */
  readonly keyring?: Keyring
  /** Called once when keys are taken from the network. */
  readonly onTrustOnFirstUse?: () => void
}

export interface PbftSetup extends PbftTrust {
  readonly channels: Channels
}

interface Call {
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: ClientError) => void
}

/** A request that waits for f+1 replies. */
interface Asked {
  readonly digest: Uint8Array
  readonly signed: Request
  /** To whom it went, or may have gone. */
  readonly told: Set<ReplicaLink>
  /** Who brought which answer. */
  readonly answers: { readonly link: ReplicaLink; readonly answer: Uint8Array }[]
  /** Endpoints that refuse it as it is, and why. */
  readonly invalid: Map<string, string>
  lastRefusal: string | null
}

export class PbftEngine {
  readonly nodes: readonly string[]
  readonly #settings: Settings
  readonly #channels: Channels
  readonly #trust: PbftTrust
  readonly #signer: Signer
  readonly #runner: Runner<PbftClientInput>
  readonly #calls = new Map<number, Call>()
  readonly #asked = new Map<string, Asked>()
  readonly #unreachable = new Map<string, string>()
  /** Endpoints that will not have us; more than f cannot all be lying. */
  readonly #denied = new Set<string>()
  #links: ReplicaLink[] = []
  #hearing: Hearing<ReplicaLink> | null = null
  #toSend: { readonly to: NodeId | null; readonly request: Request }[] = []
  #started: Promise<void> | null = null
  #core: PbftClientState | null = null
  #keyring: Keyring | null = null
  #voice: Voice | null = null
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
        for (const link of this.#links) link.open(performance.now())
        this.#runner.feed({ type: 'Tick', now: now() })
      },
      idle: () => this.#calls.size === 0,
      tickMs: TICK_MS,
    })
  }

  /** Where the cluster is taken to be; null before it was first asked. */
  get believed(): { readonly view: number; readonly primary: NodeId } | null {
    const core = this.#core
    return core === null ? null : { view: believedView(core), primary: believedPrimary(core) }
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
    this.#started ??= this.#start()
    try {
      await this.#started
    } catch (error) {
      this.#started = null
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
    for (const link of this.#links) link.close()
    for (const call of this.#calls.values())
      call.reject(new ClientError('Indeterminate', 'the client was closed before the answer came'))
    this.#calls.clear()
  }

  async #start(): Promise<void> {
    const { dialTimeoutMs: timeoutMs } = this.#settings
    const trust =
      this.#trust.cluster ??
      (await trustOnFirstUse(this.nodes, (endpoint) =>
        this.#channels.to(endpoint).unary(STATUS, {}, { timeoutMs }),
      ))
    if (this.#trust.cluster === undefined) this.#trust.onTrustOnFirstUse?.()
    const { clusterId, replicas } = trust
    const voice = { suite: nodeSuite, signer: this.#signer, clusterId }
    this.#voice = { ...voice, macs: new RequestMacs({ ...voice, replicas }) }
    this.#keyring = this.#trust.keyring ?? replyKeyring(trust)
    const { inflightMax, queuedMax, primaryMs } = this.#settings
    this.#core = newPbftClient({
      replicas: replicas.map(({ name }) => name),
      seed: randomInt(2 ** 47),
      inflightMax,
      queuedMax,
      primaryMs,
      againMsMin: primaryMs,
      againMsMax: AGAIN_MS_MAX,
      session: SESSIONS,
    })
    this.#links = this.nodes.map(
      (endpoint) =>
        new ReplicaLink(endpoint, this.#channels.to(endpoint), timeoutMs, {
          proof: (replica) => signListen(voice, replica),
          result: (link, result) => this.#onResult(link, result),
          lost: (link, loss) => this.#onLost(link, loss),
          up: (link) => this.#unreachable.delete(link.endpoint),
        }),
    )
    this.#hearing = new Hearing(this.#links, this.#core.faultyMax)
  }

  #step(input: PbftClientInput): void {
    if (this.#core === null) return
    for (const effect of stepPbftClient(this.#core, input)) this.#perform(effect)
  }

  #perform(effect: PbftClientEffect): void {
    switch (effect.type) {
      case 'Send':
        // The opening aside, everybody is asked only when f+1 did not answer in time.
        if (effect.to === null && effect.request.session !== 0) this.#hearing?.troubled()
        // What the callers ask in one turn of the event loop is signed together.
        if (this.#toSend.push(effect) === 1) setImmediate(() => this.#send())
        return
      case 'Forget':
        this.#asked.delete(numberOf(effect))
        return
      case 'Done':
        this.#settle(effect.id, effect.outcome)
    }
  }

  #send(): void {
    const voice = this.#voice
    const sends = this.#toSend
    this.#toSend = []
    if (voice === null || this.#closed) return
    const unsigned = sends
      .map(({ request }) => request)
      .filter((request) => !this.#asked.has(numberOf(request)) && this.#waitsFor(request))
    for (const signed of signRequests(voice, unsigned)) {
      const digest = requestDigest(voice.suite, voice.clusterId, signed)
      this.#asked.set(numberOf(signed), {
        digest,
        signed,
        told: new Set(),
        answers: [],
        invalid: new Map(),
        lastRefusal: null,
      })
    }
    for (const { to, request } of sends) {
      const asked = this.#asked.get(numberOf(request))
      if (asked === undefined) continue
      const named = to === null ? [] : this.#links.filter((link) => link.name === to)
      for (const link of named.length > 0 ? named : this.#links) {
        asked.told.add(link)
        link.send(asked.signed)
      }
    }
  }

  /** False once it has ended, between the step that sent it and now. */
  #waitsFor(request: Request): boolean {
    return this.#core?.byNumber.has(numberOf(request)) ?? false
  }

  #onResult(link: ReplicaLink, result: Result): void {
    const { session, seq, outcome, voucher } = result
    const asked = this.#asked.get(numberOf(result))
    if (asked === undefined) return
    if (outcome?.$case === 'answer') {
      if (voucher === undefined) return
      const { replica, view, seal } = voucher
      const answer = outcome.value
      const reply = { replica, view, session, seq, request: asked.digest, answer }
      if (this.#keyring?.verifyReply(reply, seal) !== true) return
      asked.answers.push({ link, answer })
      this.#runner.feed({ type: 'Reply', replica, view, session, seq, answer })
      if (!this.#asked.has(numberOf(result))) this.#agreed(asked, answer)
      return
    }
    asked.lastRefusal = reasonOf(outcome)
    if (outcome?.$case === 'invalid') {
      asked.invalid.set(link.endpoint, outcome.value.reason)
      // So many cannot all be lying, and would not have it from others either.
      if (asked.invalid.size > (this.#core?.faultyMax ?? 0)) this.#refuse(asked)
    }
    this.#runner.feed({ type: 'Refused', session, seq, told: true })
  }

  #agreed({ answers }: Asked, on: Uint8Array): void {
    const by = answers.filter(({ answer }) => equalBytes(answer, on)).map(({ link }) => link)
    this.#hearing?.agreed(new Set(by))
  }

  #onLost(link: ReplicaLink, { why, denied, untold }: Loss): void {
    if (this.#closed) return
    this.#hearing?.lost(link)
    this.#unreachable.set(link.endpoint, why)
    if (denied) this.#denied.add(link.endpoint)
    else this.#denied.delete(link.endpoint)
    if (this.#denied.size > (this.#core?.faultyMax ?? 0))
      this.#rejectAll(new ClientError('NotPermitted', `this client's key is not accepted: ${why}`))
    for (const { session, seq } of untold) {
      const asked = this.#asked.get(numberOf({ session, seq }))
      if (asked === undefined) continue
      asked.told.delete(link)
      asked.lastRefusal = why
      this.#runner.feed({ type: 'Refused', session, seq, told: asked.told.size > 0 })
    }
    for (const { signed, told } of [...this.#asked.values()])
      if (told.has(link)) this.#runner.feed({ type: 'Refused', ...ids(signed), told: true })
    if (this.#settings.failFast) this.#failFast()
  }

  #failFast(): void {
    if (!this.nodes.every((node) => this.#unreachable.has(node))) return
    const reasons = this.nodes.map((node) => `${node}: ${this.#unreachable.get(node)}`)
    if ([...this.#asked.values()].some(({ told }) => told.size > 0)) return
    this.#rejectAll(new ClientError('Unavailable', `no endpoint answers (${reasons.join('; ')})`))
  }

  #refuse({ signed, invalid }: Asked): void {
    const [reason] = invalid.values()
    const error = new ClientError('InvalidRequest', reason ?? 'refused')
    if (signed.session === 0) {
      this.#rejectAll(error)
      return
    }
    const operation = this.#core?.byNumber.get(numberOf(signed))
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
    if (outcome.type !== 'Answer') this.#hearing?.troubled()
    if (outcome.type === 'Answer') call.resolve(outcome.bytes)
    else call.reject(this.#errorOf(outcome))
  }

  #errorOf(outcome: Exclude<ClientOutcome, { type: 'Answer' }>): ClientError {
    const { type, reason } = outcome
    if (reason === SESSION_EXPIRED) return new ClientError('Indeterminate', reason)
    if (type === 'Failed' && reason.includes('wait')) return new ClientError('Overloaded', reason)
    const unreachable = [...this.#unreachable].map(([node, why]) => `${node}: ${why}`)
    const why = `${reason} before ${(this.#core?.faultyMax ?? 0) + 1} replicas agreed`
    const text = unreachable.length === 0 ? why : `${why} (${unreachable.join('; ')})`
    return new ClientError(type === 'Failed' ? 'Unavailable' : 'Indeterminate', text)
  }
}

/** Verifies replies and nothing else. Throws KeyError. */
export function replyKeyring({ clusterId, replicas }: Trust): Keyring {
  const nobody = { clients: [], allowAnonymousClients: false }
  return new Keyring({ suite: nodeSuite, clusterId, replicas, ...nobody })
}

function ids({ session, seq }: Request): { session: number; seq: number } {
  return { session, seq }
}

function numberOf({ session, seq }: { readonly session: number; readonly seq: number }): string {
  return `${session}:${seq}`
}

function reasonOf(outcome: Result['outcome']): string {
  if (outcome === undefined) return 'a result without an outcome'
  if (outcome.$case === 'notLeader') return 'the cluster has not formed'
  return outcome.$case === 'answer' ? '' : outcome.value.reason
}
