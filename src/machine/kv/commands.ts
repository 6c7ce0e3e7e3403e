/** From a command's bytes to etcd's request message: one tag byte, then the message as the client wrote it. */
import {
  AlarmRequest,
  CompactionRequest,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseLeasesRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { ChangesRequest, CommandTag, LeaseKeepAlives } from '../../gen/quorate/kv/v1/kv.js'
import { KV_ERRORS, type KvError } from './errors.js'
import { scanMessage } from './wire-scan.js'

export { CommandTag }

/** Bytes of a command, etcd's default bound on a request. */
export const COMMAND_BYTES_MAX = 1.5 * 1024 * 1024

export type Command =
  | { readonly type: 'Put'; readonly request: PutRequest }
  | { readonly type: 'DeleteRange'; readonly request: DeleteRangeRequest }
  | { readonly type: 'Txn'; readonly request: TxnRequest }
  | { readonly type: 'Compact'; readonly request: CompactionRequest }
  | { readonly type: 'Range'; readonly request: RangeRequest }
  | { readonly type: 'LeaseGrant'; readonly request: LeaseGrantRequest }
  | { readonly type: 'LeaseRevoke'; readonly request: LeaseRevokeRequest }
  | { readonly type: 'LeaseKeepAlives'; readonly request: LeaseKeepAlives }
  | { readonly type: 'LeaseTimeToLive'; readonly request: LeaseTimeToLiveRequest }
  | { readonly type: 'LeaseLeases'; readonly request: LeaseLeasesRequest }
  | { readonly type: 'Alarm'; readonly request: AlarmRequest }
  | { readonly type: 'Changes'; readonly request: ChangesRequest }
  | { readonly type: 'Refused'; readonly error: KvError }

/** Byte fields of the message are views of the command. */
export function decodeCommand(bytes: Uint8Array): Command {
  if (bytes.length > COMMAND_BYTES_MAX) return refused(KV_ERRORS.requestTooLarge)
  const tag = bytes[0]
  if (tag === undefined || tag < CommandTag.PUT || tag > CommandTag.CHANGES)
    return refused(KV_ERRORS.unknownCommand)
  const scan = scanMessage(bytes, 1, tag === CommandTag.TXN ? 'txn' : 'flat')
  if (scan === 'too-deep') return refused(KV_ERRORS.tooManyOps)
  if (scan === 'malformed') return refused(KV_ERRORS.malformed)
  try {
    return decodeMessage(tag, bytes.subarray(1))
  } catch {
    // What the generated decoder throws: a field that is cut short.
    return refused(KV_ERRORS.malformed)
  }
}

function decodeMessage(tag: number, message: Uint8Array): Command {
  switch (tag) {
    case CommandTag.PUT:
      return { type: 'Put', request: PutRequest.decode(message) }
    case CommandTag.DELETE_RANGE:
      return { type: 'DeleteRange', request: DeleteRangeRequest.decode(message) }
    case CommandTag.TXN:
      return { type: 'Txn', request: TxnRequest.decode(message) }
    case CommandTag.COMPACT:
      return { type: 'Compact', request: CompactionRequest.decode(message) }
    case CommandTag.LEASE_GRANT:
      return { type: 'LeaseGrant', request: LeaseGrantRequest.decode(message) }
    case CommandTag.LEASE_REVOKE:
      return { type: 'LeaseRevoke', request: LeaseRevokeRequest.decode(message) }
    case CommandTag.LEASE_KEEP_ALIVE:
      return { type: 'LeaseKeepAlives', request: LeaseKeepAlives.decode(message) }
    case CommandTag.LEASE_TIME_TO_LIVE:
      return { type: 'LeaseTimeToLive', request: LeaseTimeToLiveRequest.decode(message) }
    case CommandTag.LEASE_LEASES:
      return { type: 'LeaseLeases', request: LeaseLeasesRequest.decode(message) }
    case CommandTag.ALARM:
      return { type: 'Alarm', request: AlarmRequest.decode(message) }
    case CommandTag.CHANGES:
      return { type: 'Changes', request: ChangesRequest.decode(message) }
    default:
      return { type: 'Range', request: RangeRequest.decode(message) }
  }
}

function refused(error: KvError): Command {
  return { type: 'Refused', error }
}

/** A command of this tag around an encoded request. */
export function encodeCommand(tag: CommandTag, message: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + message.length)
  out[0] = tag
  out.set(message, 1)
  return out
}
