/** Keys and values for people and for programs. */

import { equalBytes } from '../../base/bytes.js'
import { utf8Decode, utf8Encode } from '../../base/utf8.js'
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseOp,
  TxnResponse,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'

/** Text where the bytes are UTF-8; else under `...Base64`, so that nothing is lost. */
export function bytesJson(field: string, bytes: Uint8Array): Record<string, string> {
  const text = utf8Decode(bytes)
  if (equalBytes(utf8Encode(text), bytes)) return { [field]: text }
  return { [`${field}Base64`]: Buffer.from(bytes).toString('base64') }
}

export function pairJson(kv: KeyValue): Record<string, unknown> {
  return {
    ...bytesJson('key', kv.key),
    ...bytesJson('value', kv.value),
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    ...(kv.lease === '0' ? {} : { lease: kv.lease }),
  }
}

export function rangeJson(response: RangeResponse): Record<string, unknown> {
  return {
    ...revisionOf(response),
    kvs: response.kvs.map(pairJson),
    count: response.count,
    more: response.more,
  }
}

export function putJson(response: PutResponse): Record<string, unknown> {
  const { prevKv } = response
  return { ...revisionOf(response), ...(prevKv === undefined ? {} : { prevKv: pairJson(prevKv) }) }
}

export function deleteJson(response: DeleteRangeResponse): Record<string, unknown> {
  return { ...revisionOf(response), deleted: response.deleted }
}

export function txnJson(response: TxnResponse): Record<string, unknown> {
  return {
    ...revisionOf(response),
    succeeded: response.succeeded,
    responses: response.responses.map(operationJson),
  }
}

function operationJson(op: ResponseOp): Record<string, unknown> {
  switch (op.response?.$case) {
    case 'responseRange':
      return { get: rangeJson(op.response.value) }
    case 'responsePut':
      return { put: putJson(op.response.value) }
    case 'responseDeleteRange':
      return { del: deleteJson(op.response.value) }
    case 'responseTxn':
      return { txn: txnJson(op.response.value) }
    default:
      return {}
  }
}

function revisionOf(response: { header: { revision: number } | undefined }) {
  return response.header === undefined ? {} : { revision: response.header.revision }
}
