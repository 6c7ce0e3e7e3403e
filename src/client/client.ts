/**
 * A client of a Quorate cluster: finds the leader and follows it, runs each command once, and says so when it
 * cannot know whether it did. It dials the endpoints it was given and those that nodes name as the leader's,
 * nothing else.
 */
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../gen/etcd/api/mvccpb/kv.js'
import type { TargetFaults } from '../gen/quorate/v1/faults.js'
import { Consistency, type StatusResponse } from '../gen/quorate/v1/quorate.js'
import { decodeAnswer } from '../machine/answers.js'
import type { UnaryMethod } from '../rpc/types.js'
import { Attempts, asRpcError } from './attempts.js'
import { Channels } from './channels.js'
import { dialEndpoint } from './dial.js'
import { parseEndpoints } from './endpoints.js'
import { Engine } from './engine.js'
import { ClientError } from './errors.js'
import * as kv from './kv.js'
import {
  GET_FAULTS,
  QUERY,
  SET_BYZANTINE,
  SET_FAULTS,
  SET_PARTITION,
  STATUS,
  TRANSFER_LEADERSHIP,
} from './methods.js'
import { type ClientOptions, type Dial, type Settings, settingsOf } from './options.js'
import { LazyPbftEngine } from './pbft/lazy.js'
import { hintOf, isNotLeader, type Verdict, verdictOfError } from './verdict.js'

export interface CallTimeout {
  /** ms, over all attempts; absent: the client's own. */
  readonly timeoutMs?: number
}

export interface ReadOptions extends CallTimeout {
  /** `stale`: whatever the node asked has applied; works without a leader. Default `linearizable`. */
  readonly consistency?: 'linearizable' | 'stale'
}

export class Client {
  readonly #settings: Settings
  readonly #channels: Channels
  readonly #attempts: Attempts
  readonly #engine: Engine | LazyPbftEngine
  /** PBFT: answers to queries are wrapped as commands' are. */
  readonly #signs: boolean
  #turn = 0

  /** Throws ClientError (InvalidRequest) when an endpoint is none, or none is given. Dials nothing yet. */
  constructor(options: ClientOptions) {
    const parsed = parseEndpoints(options.endpoints)
    if ('bad' in parsed)
      throw new ClientError('InvalidRequest', `not an endpoint (host:port): ${parsed.bad}`)
    if (parsed.endpoints.length === 0)
      throw new ClientError('InvalidRequest', 'a client needs at least one endpoint')
    this.#settings = settingsOf(options)
    this.#channels = new Channels(dialOf(options), this.#settings.dialTimeoutMs)
    this.#attempts = new Attempts(this.#channels, this.#settings.transport)
    const { endpoints } = parsed
    this.#engine =
      options.pbft === undefined
        ? new Engine(endpoints, this.#settings, this.#attempts)
        : new LazyPbftEngine(endpoints, this.#settings, {
            ...options.pbft,
            channels: this.#channels,
          })
    this.#signs = options.pbft !== undefined
  }

  /** Endpoints given, and those learned as a leader's. */
  get endpoints(): readonly string[] {
    return this.#engine.nodes
  }

  /**
   * Runs a command through the log, once, and gives the state machine's result. Throws ClientError; only
   * `Indeterminate` leaves open whether it was, or will be, executed.
   */
  async submit(command: Uint8Array, options: CallTimeout = {}): Promise<Uint8Array> {
    return resultOf(await this.#engine.run('command', command, this.#timeoutOf(options)))
  }

  /** Asks the state machine; linearizable unless told otherwise. */
  query(query: Uint8Array, options: ReadOptions = {}): Promise<Uint8Array> {
    if (options.consistency === 'stale') return this.#staleQuery(query, this.#timeoutOf(options))
    const asked = this.#engine.run('query', query, this.#timeoutOf(options))
    return this.#signs ? asked.then(resultOf) : asked
  }

  async put(
    key: kv.Bytes,
    value: kv.Bytes,
    options: kv.PutOptions & CallTimeout = {},
  ): Promise<PutResponse> {
    const command = kv.encodePut(kv.putRequest(key, value, options))
    return kv.decodePut(await this.submit(command, options))
  }

  /** The key as it is, or null. */
  async get(key: kv.Bytes, options: ReadOptions = {}): Promise<KeyValue | null> {
    return (await this.range(key, options)).kvs[0] ?? null
  }

  async range(key: kv.Bytes, options: kv.RangeOptions & ReadOptions = {}): Promise<RangeResponse> {
    const query = kv.encodeRange(kv.rangeRequest(key, options))
    return kv.decodeRange(await this.query(query, options))
  }

  async del(
    key: kv.Bytes,
    options: kv.DeleteOptions & CallTimeout = {},
  ): Promise<DeleteRangeResponse> {
    const command = kv.encodeDelete(kv.deleteRequest(key, options))
    return kv.decodeDelete(await this.submit(command, options))
  }

  async txn(request: TxnRequest, options: CallTimeout = {}): Promise<TxnResponse> {
    return kv.decodeTxn(await this.submit(kv.encodeTxn(request), options))
  }

  /** What one node says of itself. */
  status(endpoint: string, options: CallTimeout = {}): Promise<StatusResponse> {
    return this.#call(endpoint, STATUS, {}, options)
  }

  /**
   * Replaces the list of peers to whom the node at `endpoint` drops what it would send; an empty list heals.
   * One-way by nature. `ttlMs` 0: until healed.
   */
  async setPartition(
    endpoint: string,
    blockedNodeIds: readonly string[],
    options: CallTimeout & { readonly ttlMs?: number } = {},
  ): Promise<void> {
    const request = { blockedNodeIds: [...blockedNodeIds], ttlMs: options.ttlMs ?? 0 }
    await this.#call(endpoint, SET_PARTITION, request, options)
  }

  /**
   * Replaces what the node at `endpoint` does to the messages it sends to its peers; an empty list clears it.
   * `ttlMs` 0: until cleared.
   */
  async setFaults(
    endpoint: string,
    targets: readonly TargetFaults[],
    options: CallTimeout & { readonly ttlMs?: number } = {},
  ): Promise<void> {
    const request = { targets: [...targets], ttlMs: options.ttlMs ?? 0 }
    await this.#call(endpoint, SET_FAULTS, request, options)
  }

  /**
   * Tells the node at one endpoint to do these things against the rules of PBFT from now on; an empty list: to be
   * honest. Throws RequestError (INVALID_ARGUMENT) for a kind that it does not know, naming those that it does.
   */
  async setByzantine(
    endpoint: string,
    kinds: readonly string[],
    options: CallTimeout = {},
  ): Promise<void> {
    await this.#call(endpoint, SET_BYZANTINE, { kinds: [...kinds] }, options)
  }

  /** What the node at one endpoint does against the rules, by kind, and how often it did since its start. */
  async byzantine(
    endpoint: string,
    options: CallTimeout = {},
  ): Promise<readonly { readonly kind: string; readonly acted: number }[]> {
    return (await this.#call(endpoint, GET_FAULTS, {}, options)).byzantine
  }

  /** Asks the leader to hand over to `to`; it is done once `to` leads, which `status` tells. */
  async transferLeadership(to: string, options: CallTimeout = {}): Promise<void> {
    const tried = new Set<string>()
    const open: string[] = [...this.endpoints]
    let last: unknown = new ClientError('Unavailable', 'no endpoint answered')
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      if (tried.has(next)) continue
      tried.add(next)
      try {
        await this.#channels
          .to(next)
          .unary(TRANSFER_LEADERSHIP, { to }, { timeoutMs: this.#timeoutOf(options) })
        return
      } catch (thrown) {
        const error = asRpcError(thrown)
        last = errorOf(verdictOfError(error), next)
        const verdict = verdictOfError(error)
        if (isNotLeader(error)) {
          const hint = hintOf(error)
          if (hint !== null && tried.size <= this.endpoints.length) open.unshift(hint)
        } else if (verdict.type !== 'Unreachable') throw last
      }
    }
    throw last
  }

  /** Ends every call; what has no answer yet is rejected. */
  close(): void {
    this.#engine.close()
    this.#attempts.close()
    this.#channels.close()
  }

  #timeoutOf(options: CallTimeout): number {
    return options.timeoutMs ?? this.#settings.commandTimeoutMs
  }

  /** From the first node that answers, each asked once. */
  async #staleQuery(query: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const nodes = this.endpoints
    const first = this.#turn++
    let last: unknown
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(first + i) % nodes.length]
      if (node === undefined) continue
      try {
        const request = { query, consistency: Consistency.STALE }
        return (await this.#call(node, QUERY, request, { timeoutMs })).answer
      } catch (error) {
        last = error
        if (error instanceof ClientError && error.kind === 'InvalidRequest') throw error
      }
    }
    throw last
  }

  async #call<Req, Res>(
    endpoint: string,
    method: UnaryMethod<Req, Res>,
    request: Req,
    options: CallTimeout,
  ): Promise<Res> {
    const channel = this.#channels.to(endpoint)
    const timeoutMs = this.#channels.timeout(channel, this.#timeoutOf(options))
    try {
      return await channel.unary(method, request, { timeoutMs })
    } catch (error) {
      throw errorOf(verdictOfError(asRpcError(error)), endpoint)
    }
  }
}

function resultOf(bytes: Uint8Array): Uint8Array {
  const answer = decodeAnswer(bytes)
  if (answer?.type === 'Ok') return answer.result
  throw new ClientError('Indeterminate', 'the node answered with something that is no result')
}

/** Of a call that changes no log. */
function errorOf(verdict: Verdict, endpoint: string): ClientError {
  switch (verdict.type) {
    case 'Rejected':
      return verdict.error
    case 'NotLeader':
      return new ClientError('NoLeader', `${endpoint} does not lead, and no leader is known`)
    case 'Overloaded':
      return new ClientError('Overloaded', verdict.reason)
    case 'Indeterminate':
      return new ClientError('Unavailable', `${endpoint}: ${verdict.reason}`, verdict.code)
    case 'Unreachable':
      return new ClientError('Unavailable', `${endpoint}: ${verdict.reason}`)
    case 'Answer':
      return new ClientError('Unavailable', `${endpoint}: an answer where an error was due`)
  }
}

function dialOf({ dial, connections }: ClientOptions): Dial {
  if (dial !== undefined) return dial
  return connections === undefined
    ? (endpoint) => dialEndpoint(endpoint)
    : (endpoint) => connections.channel(endpoint)
}
