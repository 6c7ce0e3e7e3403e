/** The key-value store's commands and queries, and what they are answered. */
import { EMPTY } from '../base/bytes.js'
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '../gen/etcd/api/etcdserverpb/rpc.js'
import { CommandTag, encodeCommand } from '../machine/kv/commands.js'
import { Code, toCode } from '../rpc/status.js'
import { encodePlainPut } from './codecs.js'
import { ClientError } from './errors.js'

/** Text stands for its UTF-8. */
export type Bytes = string | Uint8Array

export function toBytes(text: Bytes): Uint8Array {
  return typeof text === 'string' ? utf8Encode(text) : text
}

/** Every key that starts with `prefix` lies in [prefix, this). One zero byte: to the end. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const byte = prefix[i] ?? 0
    if (byte === 0xff) continue
    const end = prefix.slice(0, i + 1)
    end[i] = byte + 1
    return end
  }
  return Uint8Array.of(0)
}

export interface PutOptions {
  /** A lease's id, any 64 bits; `0` for none. */
  readonly lease?: string
  readonly prevKv?: boolean
  /** Keeps the value that is there, which must be. */
  readonly ignoreValue?: boolean
  /** Keeps the lease that is there. */
  readonly ignoreLease?: boolean
}

export type SortOrder = 'none' | 'ascend' | 'descend'
export type SortTarget = 'key' | 'version' | 'create' | 'mod' | 'value'

const SORT_ORDERS: { readonly [K in SortOrder]: RangeRequest['sortOrder'] } = {
  none: 0,
  ascend: 1,
  descend: 2,
}
const SORT_TARGETS: { readonly [K in SortTarget]: RangeRequest['sortTarget'] } = {
  key: 0,
  version: 1,
  create: 2,
  mod: 3,
  value: 4,
}

export interface RangeOptions {
  /** Exclusive; absent: the key alone. */
  readonly rangeEnd?: Bytes
  /** Every key that starts with the key. */
  readonly prefix?: boolean
  readonly limit?: number
  readonly revision?: number
  readonly keysOnly?: boolean
  readonly countOnly?: boolean
  readonly sortOrder?: SortOrder
  /** Sorted by it; ascending, unless told otherwise. */
  readonly sortTarget?: SortTarget
  readonly minModRevision?: number
  readonly maxModRevision?: number
  readonly minCreateRevision?: number
  readonly maxCreateRevision?: number
}

export interface DeleteOptions {
  readonly rangeEnd?: Bytes
  readonly prefix?: boolean
  readonly prevKv?: boolean
}

export function putRequest(key: Bytes, value: Bytes, options: PutOptions = {}): PutRequest {
  return {
    key: toBytes(key),
    value: toBytes(value),
    lease: options.lease ?? '0',
    prevKv: options.prevKv ?? false,
    ignoreValue: options.ignoreValue ?? false,
    ignoreLease: options.ignoreLease ?? false,
  }
}

export function rangeRequest(key: Bytes, options: RangeOptions = {}): RangeRequest {
  return {
    ...span(key, options),
    limit: options.limit ?? 0,
    revision: options.revision ?? 0,
    sortOrder: SORT_ORDERS[options.sortOrder ?? 'none'],
    sortTarget: SORT_TARGETS[options.sortTarget ?? 'key'],
    serializable: false,
    keysOnly: options.keysOnly ?? false,
    countOnly: options.countOnly ?? false,
    minModRevision: options.minModRevision ?? 0,
    maxModRevision: options.maxModRevision ?? 0,
    minCreateRevision: options.minCreateRevision ?? 0,
    maxCreateRevision: options.maxCreateRevision ?? 0,
  }
}

export function deleteRequest(key: Bytes, options: DeleteOptions = {}): DeleteRangeRequest {
  return { ...span(key, options), prevKv: options.prevKv ?? false }
}

function span(key: Bytes, options: { readonly rangeEnd?: Bytes; readonly prefix?: boolean }) {
  const bytes = toBytes(key)
  if (options.prefix === true) {
    // The empty prefix: everything, which etcd writes as one zero byte.
    if (bytes.length === 0) return { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) }
    return { key: bytes, rangeEnd: prefixEnd(bytes) }
  }
  const { rangeEnd } = options
  return { key: bytes, rangeEnd: rangeEnd === undefined ? EMPTY : toBytes(rangeEnd) }
}

export function encodePut(request: PutRequest): Uint8Array {
  return (
    encodePlainPut(request) ?? encodeCommand(CommandTag.PUT, PutRequest.encode(request).finish())
  )
}

export function encodeDelete(request: DeleteRangeRequest): Uint8Array {
  return encodeCommand(CommandTag.DELETE_RANGE, DeleteRangeRequest.encode(request).finish())
}

export function encodeTxn(request: TxnRequest): Uint8Array {
  return encodeCommand(CommandTag.TXN, TxnRequest.encode(request).finish())
}

export function encodeRange(request: RangeRequest): Uint8Array {
  return encodeCommand(CommandTag.RANGE, RangeRequest.encode(request).finish())
}

export const decodePut = (result: Uint8Array): PutResponse => decode(result, PutResponse)
export const decodeDelete = (result: Uint8Array): DeleteRangeResponse =>
  decode(result, DeleteRangeResponse)
export const decodeTxn = (result: Uint8Array): TxnResponse => decode(result, TxnResponse)
export const decodeRange = (result: Uint8Array): RangeResponse => decode(result, RangeResponse)

/** One byte of status, then the response or the text of the error. */
function decode<T>(result: Uint8Array, type: { decode(bytes: Uint8Array): T }): T {
  const code = result[0]
  const body = result.subarray(1)
  if (code === Code.OK) {
    try {
      return type.decode(body)
    } catch {
      throw new ClientError('InvalidRequest', 'the answer is not one of the key-value store')
    }
  }
  if (code === undefined)
    throw new ClientError('InvalidRequest', 'the answer is not one of the key-value store')
  const kind = code === Code.RESOURCE_EXHAUSTED ? 'Overloaded' : 'InvalidRequest'
  throw new ClientError(kind, utf8Decode(body), toCode(code))
}
