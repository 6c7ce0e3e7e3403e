/** The few requests that locks and elections are made of, each ordered or linearizable as any client's. */
import {
  type Compare,
  type PutRequest,
  RangeRequest,
  RangeResponse,
  type RequestOp,
  TxnRequest,
  TxnResponse,
} from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../../gen/etcd/api/mvccpb/kv.js'
import { CommandTag } from '../../../machine/kv/commands.js'
import type { CallContext } from '../../../rpc/types.js'
import { type CommandParts, runCommand } from '../commands.js'

export interface Found {
  readonly kv: KeyValue | null
  /** Of the store when it was looked at. */
  readonly revision: number
}

export interface Done {
  readonly succeeded: boolean
  readonly revision: number
  /** What the first operation found, where it was a read. */
  readonly kv: KeyValue | null
}

type Call = Pick<CallContext, 'remainingMs'>

const EMPTY = new Uint8Array(0)
const ASCEND = 1
const DESCEND = 2
const BY_CREATION = 2
const CREATED = 1

/** One whose caller is gone still does what must be done. */
export const NO_CALLER: Call = { remainingMs: () => Number.POSITIVE_INFINITY }

export class Keyspace {
  readonly #parts: CommandParts
  readonly #call: Call

  constructor(parts: CommandParts, call: Call) {
    this.#parts = parts
    this.#call = call
  }

  get(key: Uint8Array): Promise<Found> {
    return this.#find(rangeOf(key))
  }

  /** Of the keys that begin so, the one that was created first. */
  first(prefix: Uint8Array): Promise<Found> {
    return this.#find(oneOf(prefix, ASCEND))
  }

  /** Of the keys that begin so, the last that was created up to a revision. */
  lastUpTo(prefix: Uint8Array, revision: number): Promise<Found> {
    return this.#find({ ...oneOf(prefix, DESCEND), maxCreateRevision: revision })
  }

  /** Does one thing if the key was created at that revision (0: if it is not there), else another. */
  async ifCreatedAt(
    key: Uint8Array,
    revision: number,
    then: RequestOp[],
    otherwise: RequestOp[] = [],
  ): Promise<Done> {
    const compare: Compare = {
      result: 0,
      target: CREATED,
      key,
      targetUnion: { $case: 'createRevision', value: revision },
      rangeEnd: EMPTY,
    }
    const request = { compare: [compare], success: then, failure: otherwise }
    const bytes = await this.#run(CommandTag.TXN, TxnRequest.encode(request).finish())
    const { succeeded, header, responses } = TxnResponse.decode(bytes)
    const first = responses[0]?.response
    const kv = first?.$case === 'responseRange' ? (first.value.kvs[0] ?? null) : null
    return { succeeded, revision: header?.revision ?? 0, kv }
  }

  async #find(request: RangeRequest): Promise<Found> {
    const bytes = await this.#run(CommandTag.RANGE, RangeRequest.encode(request).finish())
    const { kvs, header } = RangeResponse.decode(bytes)
    return { kv: kvs[0] ?? null, revision: header?.revision ?? 0 }
  }

  #run(tag: CommandTag, request: Uint8Array): Promise<Uint8Array> {
    return runCommand(this.#parts, tag, request, this.#call)
  }
}

export function putOp(key: Uint8Array, value: Uint8Array, lease: string): RequestOp {
  const flags = { prevKv: false, ignoreValue: false, ignoreLease: false }
  const request: PutRequest = { key, value, lease, ...flags }
  return { request: { $case: 'requestPut', value: request } }
}

export function getOp(key: Uint8Array): RequestOp {
  return { request: { $case: 'requestRange', value: rangeOf(key) } }
}

export function deleteOp(key: Uint8Array): RequestOp {
  const request = { key, rangeEnd: EMPTY, prevKv: false }
  return { request: { $case: 'requestDeleteRange', value: request } }
}

function rangeOf(key: Uint8Array): RangeRequest {
  return { ...RangeRequest.decode(EMPTY), key }
}

function oneOf(prefix: Uint8Array, sortOrder: typeof ASCEND | typeof DESCEND): RangeRequest {
  return {
    ...rangeOf(prefix),
    rangeEnd: endOf(prefix),
    limit: 1,
    sortOrder,
    sortTarget: BY_CREATION,
  }
}

/** Of prefixes that end with a slash. */
export function endOf(prefix: Uint8Array): Uint8Array {
  const end = Uint8Array.from(prefix)
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1
  return end
}
