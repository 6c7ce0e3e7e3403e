/** What simulated clients ask of the store, in a form that can be held against its answer. */

import { latin1Decode, latin1Encode } from '../../base/latin1.js'
import {
  CompactionRequest,
  type Compare,
  DeleteRangeRequest,
  DeleteRangeResponse,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  PutRequest,
  RangeRequest,
  RangeResponse,
  type RequestOp,
  type ResponseHeader,
  TxnRequest,
  TxnResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { LeaseKeepAlives } from '../../gen/quorate/kv/v1/kv.js'
import { CommandTag, encodeCommand } from '../../machine/kv/commands.js'

export type Ask =
  | { readonly f: 'put'; readonly key: string; readonly value: string; readonly lease: string }
  | { readonly f: 'get'; readonly key: string }
  | { readonly f: 'list' }
  | { readonly f: 'delete'; readonly key: string }
  /** Puts `value` if the key was changed last at `mod`, else reads it. */
  | { readonly f: 'swap'; readonly key: string; readonly mod: number; readonly value: string }
  | { readonly f: 'grant'; readonly id: string; readonly ttl: number }
  | { readonly f: 'revoke' | 'keep-alive' | 'time-to-live'; readonly id: string }
  | { readonly f: 'compact'; readonly revision: number }

/** Of an answer what can be held against the history. */
export interface Told {
  readonly revision: number
  /** What was read, `key=value@mod` by key; null: nothing was. */
  readonly read: readonly string[] | null
  /** Whether it changed something, as far as the answer tells. */
  readonly wrote: boolean
}

const EMPTY = new Uint8Array(0)
const MOD = 2

export function encodeAsk(ask: Ask): { type: 'command' | 'query'; bytes: Uint8Array } {
  const command = (tag: CommandTag, message: { finish(): Uint8Array }) =>
    ({ type: 'command', bytes: encodeCommand(tag, message.finish()) }) as const
  switch (ask.f) {
    case 'put':
      return command(CommandTag.PUT, PutRequest.encode(putOf(ask.key, ask.value, ask.lease)))
    case 'get':
    case 'list': {
      const request = ask.f === 'get' ? rangeOf(ask.key, '') : rangeOf('\0', '\0')
      const bytes = encodeCommand(CommandTag.RANGE, RangeRequest.encode(request).finish())
      return { type: 'query', bytes }
    }
    case 'delete': {
      const request = { key: latin1Encode(ask.key), rangeEnd: EMPTY, prevKv: false }
      return command(CommandTag.DELETE_RANGE, DeleteRangeRequest.encode(request))
    }
    case 'swap':
      return command(CommandTag.TXN, TxnRequest.encode(swapOf(ask)))
    case 'grant': {
      const request = { ID: ask.id, TTL: String(ask.ttl) }
      return command(CommandTag.LEASE_GRANT, LeaseGrantRequest.encode(request))
    }
    case 'revoke':
      return command(CommandTag.LEASE_REVOKE, LeaseRevokeRequest.encode({ ID: ask.id }))
    case 'keep-alive':
      return command(CommandTag.LEASE_KEEP_ALIVE, LeaseKeepAlives.encode({ ids: [ask.id] }))
    case 'time-to-live': {
      const request = { ID: ask.id, keys: true }
      return command(CommandTag.LEASE_TIME_TO_LIVE, LeaseTimeToLiveRequest.encode(request))
    }
    case 'compact': {
      const request = { revision: ask.revision, physical: false }
      return command(CommandTag.COMPACT, CompactionRequest.encode(request))
    }
  }
}

/** Null: it was refused, and changed nothing. */
export function decodeTold(ask: Ask, result: Uint8Array): Told | null {
  if (result[0] !== 0) return null
  const bytes = result.subarray(1)
  switch (ask.f) {
    case 'put':
      return { revision: revisionOf(TxnResponse.decode(bytes)), read: null, wrote: true }
    case 'get':
    case 'list':
      return readOf(RangeResponse.decode(bytes))
    case 'delete': {
      const response = DeleteRangeResponse.decode(bytes)
      return { revision: revisionOf(response), read: null, wrote: response.deleted > 0 }
    }
    case 'swap': {
      const { succeeded, header, responses } = TxnResponse.decode(bytes)
      const first = responses[0]?.response
      if (succeeded || first?.$case !== 'responseRange')
        return { revision: revisionOf({ header }), read: null, wrote: succeeded }
      return { ...readOf(first.value), revision: revisionOf({ header }) }
    }
    default:
      // All of them have their header in front.
      return { revision: revisionOf(TxnResponse.decode(bytes)), read: null, wrote: false }
  }
}

function readOf(response: RangeResponse): Told {
  const read = response.kvs.map(
    (kv) => `${latin1Decode(kv.key)}=${latin1Decode(kv.value)}@${kv.modRevision}`,
  )
  return { revision: revisionOf(response), read, wrote: false }
}

function revisionOf({ header }: { readonly header?: ResponseHeader | undefined }): number {
  return header?.revision ?? 0
}

function swapOf({ key, mod, value }: Ask & { readonly f: 'swap' }): TxnRequest {
  const compare: Compare = {
    result: 0,
    target: MOD,
    key: latin1Encode(key),
    targetUnion: { $case: 'modRevision', value: mod },
    rangeEnd: EMPTY,
  }
  const success: RequestOp = { request: { $case: 'requestPut', value: putOf(key, value, '0') } }
  const failure: RequestOp = { request: { $case: 'requestRange', value: rangeOf(key, '') } }
  return { compare: [compare], success: [success], failure: [failure] }
}

function putOf(key: string, value: string, lease: string): PutRequest {
  const flags = { prevKv: false, ignoreValue: false, ignoreLease: false }
  return { key: latin1Encode(key), value: latin1Encode(value), lease, ...flags }
}

function rangeOf(key: string, end: string): RangeRequest {
  return { ...RangeRequest.decode(EMPTY), key: latin1Encode(key), rangeEnd: latin1Encode(end) }
}
