/** `put`, `get`, `del`, `txn`: etcdctl's verbs and output. */
import { utf8Decode, utf8Encode } from '../../base/utf8.js'
import type { ResponseOp, TxnResponse } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import type { KeyValue } from '../../gen/etcd/api/mvccpb/kv.js'
import { EXIT, usageError } from '../errors.js'
import { deleteJson, putJson, rangeJson, txnJson } from '../format/pairs.js'
import { print, printBytes, printJson } from '../output.js'
import { parseTxn } from '../parse/txn.js'
import { type ClientFlags, readStdin, withSubmitter } from '../session.js'

interface JsonFlag extends ClientFlags {
  readonly json?: boolean
}

interface PutFlags extends JsonFlag {
  readonly lease?: string
  readonly prevKv?: boolean
}

export async function put(key: string, value: string | undefined, flags: PutFlags): Promise<void> {
  const lease = flags.lease === undefined ? {} : { lease: leaseOf(flags.lease) }
  const bytes = value === undefined ? await readStdin() : utf8Encode(value)
  const response = await withSubmitter(flags, (client) =>
    client.put(key, bytes, { ...lease, prevKv: flags.prevKv ?? false }),
  )
  if (flags.json === true) {
    printJson(putJson(response))
    return
  }
  print('OK')
  if (response.prevKv !== undefined) printPair(response.prevKv)
}

function leaseOf(text: string): string {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text))
    throw usageError(`--lease: expected an id in hex, got ${JSON.stringify(text)}`)
  return BigInt.asIntN(64, BigInt(`0x${text}`)).toString()
}

interface GetFlags extends JsonFlag {
  readonly consistency: string
  readonly prefix?: boolean
  readonly limit?: number
  readonly rev?: number
  readonly keysOnly?: boolean
  readonly countOnly?: boolean
  readonly printValueOnly?: boolean
}

export async function get(key: string, end: string | undefined, flags: GetFlags): Promise<void> {
  const response = await withSubmitter(flags, (client) =>
    client.range(key, {
      ...span(end, flags),
      consistency: consistencyOf(flags.consistency),
      limit: flags.limit ?? 0,
      revision: flags.rev ?? 0,
      keysOnly: flags.keysOnly ?? false,
      countOnly: flags.countOnly ?? false,
    }),
  )
  if (flags.json === true) printJson(rangeJson(response))
  else if (flags.countOnly === true) print(String(response.count))
  else
    for (const kv of response.kvs) {
      if (flags.printValueOnly !== true) printBytes(kv.key)
      if (flags.keysOnly !== true) printBytes(kv.value)
    }
}

export function consistencyOf(text: string): 'linearizable' | 'stale' {
  return text.startsWith('s') ? 'stale' : 'linearizable'
}

function span(end: string | undefined, flags: { readonly prefix?: boolean }) {
  if (end !== undefined && flags.prefix === true)
    throw usageError('--prefix: expected no range_end beside it, got one')
  return end === undefined ? { prefix: flags.prefix ?? false } : { rangeEnd: end }
}

interface DelFlags extends JsonFlag {
  readonly prefix?: boolean
}

export async function del(key: string, end: string | undefined, flags: DelFlags): Promise<void> {
  const response = await withSubmitter(flags, (client) => client.del(key, span(end, flags)))
  if (flags.json === true) printJson(deleteJson(response))
  else print(String(response.deleted))
}

interface TxnFlags extends JsonFlag {
  readonly strict?: boolean
}

export async function txn(flags: TxnFlags): Promise<number> {
  const request = parseTxn(utf8Decode(await readStdin()))
  const response = await withSubmitter(flags, (client) => client.txn(request))
  if (flags.json === true) printJson(txnJson(response))
  else printTxn(response)
  return flags.strict === true && !response.succeeded ? EXIT.compareFailed : EXIT.ok
}

function printTxn(response: TxnResponse): void {
  print(response.succeeded ? 'SUCCESS' : 'FAILURE')
  for (const op of response.responses) {
    print('')
    printOperation(op)
  }
}

function printOperation(op: ResponseOp): void {
  switch (op.response?.$case) {
    case 'responseRange':
      for (const kv of op.response.value.kvs) printPair(kv)
      return
    case 'responsePut':
      print('OK')
      return
    case 'responseDeleteRange':
      print(String(op.response.value.deleted))
      return
    case 'responseTxn':
      printTxn(op.response.value)
      return
    default:
  }
}

function printPair(kv: KeyValue): void {
  printBytes(kv.key)
  printBytes(kv.value)
}
