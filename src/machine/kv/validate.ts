/**
 * What is wrong with a command whatever the state: asked by servers before they propose, and again by every
 * node when it applies, for not everyone who proposes has asked. The order of the checks is etcd's
 * (`server/etcdserver/api/v3rpc/key.go`), since the first failure is what the client is told.
 */
import type {
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { alarmTypeOf } from './alarms.js'
import { type Command, decodeCommand } from './commands.js'
import { KV_ERRORS, type KvError } from './errors.js'
import { checkGrant } from './lease-commands.js'
import { checkOverlaps } from './overlaps.js'

/** Operations in a list of a transaction; what a list holds is taken off what its nested lists may hold. */
export const TXN_OPS_MAX = 128
/** Ranges of a whole transaction, however it is nested, compares of ranges among them. etcd bounds each list alone. */
export const TXN_WALKS_MAX = 128
/** Leases that one command keeps alive. */
export const KEEP_ALIVES_MAX = 4_096

/** Null when the command may be proposed. */
export function validate(command: Uint8Array): KvError | null {
  return checkCommand(decodeCommand(command))
}

export function checkCommand(command: Command): KvError | null {
  switch (command.type) {
    case 'Refused':
      return command.error
    case 'Put':
      return checkPut(command.request)
    case 'Range':
      return checkRange(command.request)
    case 'DeleteRange':
      return checkKey(command.request.key)
    case 'Txn':
      return (
        checkTxn(command.request, TXN_OPS_MAX) ??
        (walksOf(command.request) > TXN_WALKS_MAX ? KV_ERRORS.tooManyOps : null) ??
        checkBranches(command.request)
      )
    case 'LeaseGrant':
      return checkGrant(command.request)
    case 'Alarm':
      return alarmTypeOf(command.request.alarm) === null ? KV_ERRORS.malformed : null
    case 'LeaseKeepAlives':
      return command.request.ids.length > KEEP_ALIVES_MAX ? KV_ERRORS.requestTooLarge : null
    case 'Changes':
      return command.request.fromRevision < 0 || command.request.fromPlace < 0
        ? KV_ERRORS.malformed
        : null
    case 'LeaseRevoke':
    case 'LeaseTimeToLive':
    case 'LeaseLeases':
    case 'Compact':
      return null
  }
}

function checkKey(key: Uint8Array): KvError | null {
  return key.length === 0 ? KV_ERRORS.emptyKey : null
}

function checkPut(put: PutRequest): KvError | null {
  if (put.key.length === 0) return KV_ERRORS.emptyKey
  if (put.ignoreValue && put.value.length > 0) return KV_ERRORS.valueProvided
  if (put.ignoreLease && put.lease !== '0') return KV_ERRORS.leaseProvided
  return null
}

function checkRange(range: RangeRequest): KvError | null {
  if (range.key.length === 0) return KV_ERRORS.emptyKey
  // Enums of proto3 are open: any number arrives.
  const order: number = range.sortOrder
  const target: number = range.sortTarget
  if (order < 0 || order > 2 || target < 0 || target > 4) return KV_ERRORS.invalidSortOption
  return null
}

/** Recursion is bounded: the decoder has refused transactions nested too deeply. */
function checkTxn(txn: TxnRequest, opsMax: number): KvError | null {
  const ops = Math.max(txn.compare.length, txn.success.length, txn.failure.length)
  if (ops > opsMax) return KV_ERRORS.tooManyOps
  for (const compare of txn.compare) {
    if (compare.key.length === 0) return KV_ERRORS.emptyKey
  }
  for (const list of [txn.success, txn.failure]) {
    for (const op of list) {
      const error = checkOp(op, opsMax - ops)
      if (error !== null) return error
    }
  }
  return null
}

/** What looks at more than one key, in the dearest branch: each may be a walk through the whole store. */
function walksOf(txn: TxnRequest): number {
  const compared = txn.compare.filter((compare) => compare.rangeEnd.length > 0).length
  return compared + Math.max(walksOfList(txn.success), walksOfList(txn.failure))
}

function walksOfList(list: readonly RequestOp[]): number {
  let walks = 0
  for (const { request } of list) {
    if (request?.$case === 'requestTxn') walks += walksOf(request.value)
    else if (request?.$case === 'requestRange' || request?.$case === 'requestDeleteRange')
      walks += request.value.rangeEnd.length > 0 ? 1 : 0
  }
  return walks
}

function checkOp(op: RequestOp, opsMax: number): KvError | null {
  switch (op.request?.$case) {
    case 'requestRange':
      return checkRange(op.request.value)
    case 'requestPut':
      return checkPut(op.request.value)
    case 'requestDeleteRange':
      return checkKey(op.request.value.key)
    case 'requestTxn':
      return checkTxn(op.request.value, opsMax)
    default:
      // An operation that is none of these: etcd's answer.
      return KV_ERRORS.keyNotFound
  }
}

function checkBranches(txn: TxnRequest): KvError | null {
  return checkOverlaps(txn.success) ?? checkOverlaps(txn.failure)
}
