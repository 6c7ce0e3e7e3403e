/**
 * Runs the pure client (`core/`) over real channels and a real clock: its sends become calls, what they come to
 * goes back in as input, and its ends settle the callers' promises.
 */
import { randomInt } from 'node:crypto'
import { EMPTY } from '../base/bytes.js'
import type { NodeId } from '../consensus/ids.js'
import { encodeOk } from '../machine/answers.js'
import { Code } from '../rpc/status.js'
import type { Attempts } from './attempts.js'
import {
  type ClientEffect,
  type ClientInput,
  type ClientOutcome,
  type ClientState,
  newClient,
  OPENING,
} from './core/state.js'
import { stepClient } from './core/step.js'
import { ClientError } from './errors.js'
import { HINTED_ENDPOINTS_MAX, type Settings } from './options.js'
import { now, Runner } from './runner.js'
import { SESSIONS } from './sessions.js'
import type { Verdict } from './verdict.js'

/** How often deadlines and retries are looked at while operations are under way. */
const TICK_MS = 10
const BACKOFF_MS_MIN = 10
const BACKOFF_MS_MAX = 100

interface Call {
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: ClientError) => void
  /** What the last attempt came to, when it was no answer. */
  last: Verdict | null
  /** Attempts without a verdict, and those whose verdict was no definite one: they may have been executed. */
  unknown: number
  /** Set when the outcome is already certain; the core is told to finish. */
  refusal: ClientError | null
}

/** Ends an operation in the core whose caller is told something else. */
const FINISH = encodeOk(EMPTY)

export class Engine {
  readonly #core: ClientState
  readonly #nodes: NodeId[]
  readonly #nodesMax: number
  readonly #settings: Settings
  readonly #attempts: Attempts
  readonly #calls = new Map<number, Call>()
  readonly #runner: Runner<ClientInput>
  /** Nodes whose last attempt found nobody there. */
  readonly #unreachable = new Map<NodeId, string>()
  #opening: Verdict | null = null
  #lastId = OPENING
  #closed = false

  constructor(endpoints: readonly NodeId[], settings: Settings, attempts: Attempts) {
    this.#nodes = [...endpoints]
    this.#nodesMax = endpoints.length + HINTED_ENDPOINTS_MAX
    this.#settings = settings
    this.#attempts = attempts
    this.#core = newClient({
      nodes: this.#nodes,
      seed: randomInt(2 ** 47),
      inflightMax: settings.inflightMax,
      queuedMax: settings.queuedMax,
      attemptTimeoutMs: settings.attemptTimeoutMs,
      backoffMsMin: BACKOFF_MS_MIN,
      backoffMsMax: BACKOFF_MS_MAX,
      session: SESSIONS,
    })
    this.#runner = new Runner({
      step: (input) => {
        for (const effect of stepClient(this.#core, input)) this.#perform(effect)
      },
      tick: () => this.#runner.feed({ type: 'Tick', now: now() }),
      idle: () => this.#calls.size === 0,
      tickMs: TICK_MS,
    })
  }

  /** Endpoints given and learned. */
  get nodes(): readonly NodeId[] {
    return this.#nodes
  }

  /** The result of a command, once; or the answer of a linearizable query. */
  run(kind: 'command' | 'query', payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new ClientError('Closed', 'the client is closed'))
        return
      }
      const id = ++this.#lastId
      this.#calls.set(id, { resolve, reject, last: null, unknown: 0, refusal: null })
      this.#runner.startClock()
      const deadline = now() + timeoutMs
      if (kind === 'command') this.#runner.feed({ type: 'Command', id, command: payload, deadline })
      else this.#runner.feed({ type: 'Query', id, query: payload, deadline })
    })
  }

  close(): void {
    this.#closed = true
    this.#runner.stopClock()
    for (const call of this.#calls.values()) {
      const kind = call.unknown > 0 ? 'Indeterminate' : 'Closed'
      call.reject(new ClientError(kind, 'the client was closed before the answer came'))
    }
    this.#calls.clear()
  }

  #perform(effect: ClientEffect): void {
    switch (effect.type) {
      case 'SendCommand':
      case 'SendQuery': {
        const left = Math.max(1, Math.ceil(effect.deadline - now()))
        const timeoutMs = Math.min(left, effect.timeoutMs)
        const call = this.#calls.get(effect.id)
        if (call !== undefined && effect.type === 'SendCommand') call.unknown++
        const settle = (verdict: Verdict) => {
          if (call !== undefined && verdict.type !== 'Answer') {
            // Cut short by the end of the operation's own time, it says less than a node did before.
            const saysLess = left < effect.timeoutMs && ranOut(verdict) && saysWhy(call.last)
            if (!saysLess) call.last = verdict
          }
          this.#onVerdict(effect.to, effect.attempt, effect.id, verdict)
        }
        if (effect.type === 'SendQuery')
          this.#attempts.query(effect.to, effect.query, timeoutMs, settle)
        else this.#attempts.command(effect.to, effect.request, timeoutMs, settle)
        return
      }
      case 'Done':
        this.#settle(effect.id, effect.outcome)
    }
  }

  #onVerdict(from: NodeId, attempt: number, id: number, verdict: Verdict): void {
    if (this.#closed) return
    if (verdict.type === 'Unreachable') this.#unreachable.set(from, verdict.reason)
    else this.#unreachable.delete(from)
    const call = this.#calls.get(id)
    if (id === OPENING) this.#opening = verdict
    else if (call !== undefined && verdict.type !== 'Indeterminate')
      call.unknown = Math.max(0, call.unknown - 1)
    if (verdict.type === 'Rejected') this.#refuse(attempt, id, verdict.error)
    else {
      if (verdict.type === 'NotLeader' && verdict.leader !== null) this.#learn(verdict.leader)
      this.#runner.feed({ type: 'Reply', attempt, id, outcome: verdict })
    }
    if (this.#settings.failFast && verdict.type === 'Unreachable') this.#failFast()
  }

  /** What no node would execute ends here; when it is the session that is refused, all that wait for it do. */
  #refuse(attempt: number, id: number, error: ClientError): void {
    const refused = id === OPENING ? [...this.#calls.keys()] : [id]
    for (const one of refused) this.#finish(one, error)
    // Of one that an earlier attempt may have executed, this says nothing: it goes on.
    this.#runner.feed({ type: 'Reply', attempt, id, outcome: { type: 'Unreachable' } })
  }

  #failFast(): void {
    if (!this.#nodes.every((node) => this.#unreachable.has(node))) return
    const reasons = this.#nodes.map((node) => `${node}: ${this.#unreachable.get(node)}`)
    const error = new ClientError('Unavailable', `no endpoint answers (${reasons.join('; ')})`)
    for (const id of [...this.#calls.keys()]) this.#finish(id, error)
  }

  #finish(id: number, error: ClientError): void {
    const call = this.#calls.get(id)
    if (call === undefined || call.unknown > 0) return
    call.refusal = error
    this.#runner.feed({ type: 'Reply', attempt: 0, id, outcome: { type: 'Answer', bytes: FINISH } })
  }

  #learn(endpoint: NodeId): void {
    if (this.#nodes.includes(endpoint) || this.#nodes.length >= this.#nodesMax) return
    this.#nodes.push(endpoint)
  }

  #settle(id: number, outcome: ClientOutcome): void {
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    if (call.refusal !== null) call.reject(call.refusal)
    else if (outcome.type === 'Answer') call.resolve(outcome.bytes)
    else if (outcome.type === 'Indeterminate') call.reject(indeterminate(outcome.reason, call.last))
    else call.reject(failed(outcome.reason, call.last ?? this.#opening))
  }
}

function ranOut(verdict: Verdict): boolean {
  return verdict.type === 'Indeterminate' && verdict.code === Code.DEADLINE_EXCEEDED
}

/** That nobody leads, or has room: what to do about it differs from what a silence asks for. */
function saysWhy(last: Verdict | null): boolean {
  if (last?.type === 'NotLeader') return last.leader === null
  return last?.type === 'Overloaded'
}

function indeterminate(reason: string, last: Verdict | null): ClientError {
  const why = last !== null && 'reason' in last ? `${reason}; last: ${last.reason}` : reason
  return new ClientError('Indeterminate', why)
}

/** The core says that it failed; what the last attempt met says why. */
function failed(reason: string, last: Verdict | null): ClientError {
  if (reason.includes('wait')) return new ClientError('Overloaded', reason)
  switch (last?.type) {
    case 'NotLeader':
      return new ClientError('NoLeader', 'no node led in time')
    case 'Overloaded':
      return new ClientError('Overloaded', last.reason)
    case 'Unreachable':
      return new ClientError('Unavailable', last.reason)
    case 'Indeterminate':
      return new ClientError('Unavailable', last.reason, last.code)
    default:
      return new ClientError('Unavailable', `${reason} before any node answered`)
  }
}
