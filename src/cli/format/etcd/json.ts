/** etcd's messages as etcdctl prints them with `-w json`: proto names, bytes in base64, ids as numbers. */
import type {
  DeleteRangeResponse,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  ResponseOp,
  TxnResponse,
} from '../../../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../../gen/etcd/api/mvccpb/kv.js'
import { filled, type Json } from './write-out.js'

type Fields = { [name: string]: Json }

/** Cluster and member ids are unsigned, and left out where the answer came without them. */
export function headerFields(header: ResponseHeader | undefined): Fields {
  return filled({
    cluster_id: BigInt(header?.clusterId ?? 0),
    member_id: BigInt(header?.memberId ?? 0),
    revision: header?.revision,
    raft_term: header?.raftTerm,
  })
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

export function kvFields(kv: KeyValue): Fields {
  return filled({
    key: base64(kv.key),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: base64(kv.value),
    lease: BigInt(kv.lease),
  })
}

export function rangeFields(response: RangeResponse): Fields {
  const { kvs, more, count } = response
  return {
    header: headerFields(response.header),
    ...filled({ kvs: kvs.map(kvFields), more, count }),
  }
}

export function putFields({ header, prevKv }: PutResponse): Fields {
  const before = prevKv === undefined ? {} : { prev_kv: kvFields(prevKv) }
  return { header: headerFields(header), ...before }
}

export function deleteFields({ header, deleted, prevKvs }: DeleteRangeResponse): Fields {
  return { header: headerFields(header), ...filled({ deleted, prev_kvs: prevKvs.map(kvFields) }) }
}

export function txnFields(response: TxnResponse): Fields {
  const { succeeded, responses } = response
  return {
    header: headerFields(response.header),
    ...filled({ succeeded, responses: responses.map((one) => ({ Response: opFields(one) })) }),
  }
}

function opFields({ response }: ResponseOp): Fields {
  switch (response?.$case) {
    case 'responseRange':
      return { ResponseRange: rangeFields(response.value) }
    case 'responsePut':
      return { ResponsePut: putFields(response.value) }
    case 'responseDeleteRange':
      return { ResponseDeleteRange: deleteFields(response.value) }
    case 'responseTxn':
      return { ResponseTxn: txnFields(response.value) }
    default:
      return {}
  }
}
