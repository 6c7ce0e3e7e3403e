/** etcd's messages as etcdctl prints them with `-w fields`: one `"Name" : value` a line. */
import { utf8Decode } from '../../../base/utf8.js'
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
} from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../../gen/etcd/api/mvccpb/kv.js'
import type { Field } from './write-out.js'

export function headerLines(header: ResponseHeader | undefined): Field[] {
  return [
    ['ClusterID', header?.clusterId ?? 0],
    ['MemberID', header?.memberId ?? 0],
    ['Revision', header?.revision ?? 0],
    ['RaftTerm', header?.raftTerm ?? 0],
  ]
}

export function kvLines(kv: KeyValue, prefix = ''): Field[] {
  return [
    [`${prefix}Key`, quoted(kv.key)],
    [`${prefix}CreateRevision`, kv.createRevision],
    [`${prefix}ModRevision`, kv.modRevision],
    [`${prefix}Version`, kv.version],
    [`${prefix}Value`, quoted(kv.value)],
    [`${prefix}Lease`, kv.lease],
  ]
}

function quoted(bytes: Uint8Array): string {
  return JSON.stringify(utf8Decode(bytes))
}

export function rangeLines({ header, kvs, more, count }: RangeResponse): Field[] {
  return [
    ...headerLines(header),
    ...kvs.flatMap((kv) => kvLines(kv)),
    ['More', more],
    ['Count', count],
  ]
}

export function putLines({ header, prevKv }: PutResponse): Field[] {
  return [...headerLines(header), ...(prevKv === undefined ? [] : kvLines(prevKv, 'Prev'))]
}

export function deleteLines({ header, deleted, prevKvs }: DeleteRangeResponse): Field[] {
  const before = prevKvs.flatMap((kv) => kvLines(kv, 'Prev'))
  return [...headerLines(header), ['Deleted', deleted], ...before]
}

export function txnLines({ header, succeeded, responses }: TxnResponse): Field[] {
  return [...headerLines(header), ['Succeeded', succeeded], ...responses.flatMap(opLines)]
}

function opLines({ response }: ResponseOp): Field[] {
  switch (response?.$case) {
    case 'responseRange':
      return rangeLines(response.value)
    case 'responsePut':
      return putLines(response.value)
    case 'responseDeleteRange':
      return deleteLines(response.value)
    case 'responseTxn':
      return txnLines(response.value)
    default:
      return []
  }
}
