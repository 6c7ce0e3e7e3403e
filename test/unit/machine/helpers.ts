import {
  AlarmRequest,
  AlarmResponse,
  CompactionRequest,
  CompactionResponse,
  type Compare,
  DeleteRangeRequest,
  DeleteRangeResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  type RequestOp,
  TxnRequest,
  TxnResponse,
} from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { LeaseKeepAlives, LeaseKeepAlivesResponse } from '../../../src/gen/quorate/kv/v1/kv.js'
import { CommandTag, encodeCommand } from '../../../src/machine/kv/commands.js'
import type { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { decodeResult } from '../../../src/machine/kv/replies.js'

export const b = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
export const t = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

type Init<T> = { [K in keyof T]?: T[K] extends Uint8Array ? T[K] | string : T[K] }

function bytesOf(v: Uint8Array | string | undefined): Uint8Array {
  return typeof v === 'string' ? b(v) : (v ?? new Uint8Array(0))
}

export function put(init: Init<PutRequest>): PutRequest {
  return {
    lease: '0',
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
    ...init,
    key: bytesOf(init.key),
    value: bytesOf(init.value),
  }
}

export function range(init: Init<RangeRequest>): RangeRequest {
  return {
    limit: 0,
    revision: 0,
    sortOrder: 0,
    sortTarget: 0,
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
    ...init,
    key: bytesOf(init.key),
    rangeEnd: bytesOf(init.rangeEnd),
  }
}

export function del(init: Init<DeleteRangeRequest>): DeleteRangeRequest {
  return { prevKv: false, ...init, key: bytesOf(init.key), rangeEnd: bytesOf(init.rangeEnd) }
}

export function compare(init: Init<Compare>): Compare {
  return {
    result: 0,
    target: 0,
    targetUnion: undefined,
    ...init,
    key: bytesOf(init.key),
    rangeEnd: bytesOf(init.rangeEnd),
  }
}

export const txn = (init: Partial<TxnRequest>): TxnRequest => ({
  compare: [],
  success: [],
  failure: [],
  ...init,
})

export const op = {
  put: (init: Init<PutRequest>): RequestOp => ({
    request: { $case: 'requestPut', value: put(init) },
  }),
  range: (init: Init<RangeRequest>): RequestOp => ({
    request: { $case: 'requestRange', value: range(init) },
  }),
  del: (init: Init<DeleteRangeRequest>): RequestOp => ({
    request: { $case: 'requestDeleteRange', value: del(init) },
  }),
  txn: (init: Partial<TxnRequest>): RequestOp => ({
    request: { $case: 'requestTxn', value: txn(init) },
  }),
}

export const command = {
  put: (r: PutRequest) => encodeCommand(CommandTag.PUT, PutRequest.encode(r).finish()),
  range: (r: RangeRequest) => encodeCommand(CommandTag.RANGE, RangeRequest.encode(r).finish()),
  del: (r: DeleteRangeRequest) =>
    encodeCommand(CommandTag.DELETE_RANGE, DeleteRangeRequest.encode(r).finish()),
  txn: (r: TxnRequest) => encodeCommand(CommandTag.TXN, TxnRequest.encode(r).finish()),
  compact: (revision: number, physical = false) =>
    encodeCommand(CommandTag.COMPACT, CompactionRequest.encode({ revision, physical }).finish()),
  grant: (ID: string, TTL: number | string) =>
    encodeCommand(
      CommandTag.LEASE_GRANT,
      LeaseGrantRequest.encode({ ID, TTL: String(TTL) }).finish(),
    ),
  revoke: (ID: string) =>
    encodeCommand(CommandTag.LEASE_REVOKE, LeaseRevokeRequest.encode({ ID }).finish()),
  keepAlive: (...ids: string[]) =>
    encodeCommand(CommandTag.LEASE_KEEP_ALIVE, LeaseKeepAlives.encode({ ids }).finish()),
  timeToLive: (ID: string, keys = false) =>
    encodeCommand(
      CommandTag.LEASE_TIME_TO_LIVE,
      LeaseTimeToLiveRequest.encode({ ID, keys }).finish(),
    ),
  alarm: (action: 0 | 1 | 2, alarm: 0 | 1 | 2, memberID = '1') =>
    encodeCommand(CommandTag.ALARM, AlarmRequest.encode({ action, alarm, memberID }).finish()),
  leases: () => encodeCommand(CommandTag.LEASE_LEASES, LeaseLeasesRequest.encode({}).finish()),
}

const RESPONSE = {
  [CommandTag.PUT]: PutResponse,
  [CommandTag.RANGE]: RangeResponse,
  [CommandTag.DELETE_RANGE]: DeleteRangeResponse,
  [CommandTag.TXN]: TxnResponse,
  [CommandTag.COMPACT]: CompactionResponse,
  [CommandTag.LEASE_GRANT]: LeaseGrantResponse,
  [CommandTag.LEASE_REVOKE]: LeaseRevokeResponse,
  [CommandTag.LEASE_KEEP_ALIVE]: LeaseKeepAlivesResponse,
  [CommandTag.LEASE_TIME_TO_LIVE]: LeaseTimeToLiveResponse,
  [CommandTag.LEASE_LEASES]: LeaseLeasesResponse,
  [CommandTag.ALARM]: AlarmResponse,
} as Record<number, { decode(bytes: Uint8Array): unknown }>

/** The decoded response, or the error as `code text`. */
export function outcome(tag: number, result: Uint8Array): unknown {
  const decoded = decodeResult(result)
  if (decoded === null) throw new Error('no result')
  if (!decoded.ok) return `${decoded.error.code} ${decoded.error.message}`
  return RESPONSE[tag]?.decode(decoded.message)
}

/** A store to talk to in requests and responses. */
export function speak(machine: KvMachine) {
  let index = 0
  const apply = <T>(bytes: Uint8Array): T =>
    outcome(bytes[0] ?? 0, machine.apply(bytes, { index: ++index, time: index })) as T
  return {
    machine,
    apply,
    put: (init: Init<PutRequest>) => apply<PutResponse>(command.put(put(init))),
    range: (init: Init<RangeRequest>) => apply<RangeResponse>(command.range(range(init))),
    query: (init: Init<RangeRequest>) => {
      const bytes = command.range(range(init))
      return outcome(CommandTag.RANGE, machine.query(bytes)) as RangeResponse
    },
    del: (init: Init<DeleteRangeRequest>) => apply<DeleteRangeResponse>(command.del(del(init))),
    txn: (init: Partial<TxnRequest>) => apply<TxnResponse>(command.txn(txn(init))),
    compact: (revision: number) => apply<CompactionResponse>(command.compact(revision)),
    /** `key=value` of a range, in the order of the reply. */
    list: (init: Init<RangeRequest>): string[] => {
      const reply = apply<RangeResponse | string>(command.range(range(init)))
      if (typeof reply === 'string') return [reply]
      return reply.kvs.map((kv) => `${t(kv.key)}=${t(kv.value)}`)
    },
  }
}
