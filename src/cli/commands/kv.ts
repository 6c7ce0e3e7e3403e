/** `put`, `get`, `del`, `txn`: etcdctl's verbs and output. */
import { EMPTY } from '../../base/bytes.js'
import { utf8Decode, utf8Encode } from '../../base/utf8.js'
import type { ResponseOp, TxnResponse } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { EXIT, usageError } from '../errors.js'
import { deleteLines, putLines, rangeLines, txnLines } from '../format/etcd/fields.js'
import { deleteFields, putFields, rangeFields, txnFields } from '../format/etcd/json.js'
import { type HexFlag, printPair } from '../format/etcd/pair.js'
import { type WriteOutFlag, writeOut } from '../format/etcd/write-out.js'
import { deleteJson, putJson, rangeJson, txnJson } from '../format/pairs.js'
import { print, printJson } from '../output.js'
import { leaseIdOf } from '../parse/lease-id.js'
import { parseTxn } from '../parse/txn.js'
import { type ClientFlags, readStdin, withSubmitter } from '../session.js'

interface JsonFlag extends ClientFlags, WriteOutFlag, HexFlag {
  /** Our own JSON: text where bytes are text. */
  readonly json?: boolean
}

interface PutFlags extends JsonFlag {
  readonly lease?: string
  readonly prevKv?: boolean
  readonly ignoreValue?: boolean
  readonly ignoreLease?: boolean
}

export async function put(key: string, value: string | undefined, flags: PutFlags): Promise<void> {
  const lease = flags.lease === undefined ? {} : { lease: leaseIdOf(flags.lease, '--lease') }
  const { prevKv = false, ignoreValue = false, ignoreLease = false } = flags
  if (ignoreValue && value !== undefined)
    throw usageError('--ignore-value: expected no value beside it, got one')
  const options = { ...lease, prevKv, ignoreValue, ignoreLease }
  const bytes = ignoreValue ? EMPTY : value === undefined ? await readStdin() : utf8Encode(value)
  const response = await withSubmitter(flags, (client) => client.put(key, bytes, options))
  if (flags.json === true) return printJson(putJson(response))
  writeOut(flags, {
    simple: () => {
      print('OK')
      if (response.prevKv !== undefined) printPair(response.prevKv, flags)
    },
    json: () => putFields(response),
    fields: () => putLines(response),
  })
}

interface GetFlags extends JsonFlag, SpanFlags {
  readonly consistency: string
  readonly limit?: number
  readonly rev?: number
  readonly keysOnly?: boolean
  readonly countOnly?: boolean
  readonly printValueOnly?: boolean
  readonly order?: 'ASCEND' | 'DESCEND'
  readonly sortBy?: keyof typeof SORT_TARGETS
}

const SORT_TARGETS = {
  CREATE: 'create',
  KEY: 'key',
  MODIFY: 'mod',
  VALUE: 'value',
  VERSION: 'version',
} as const

export async function get(key: string, end: string | undefined, flags: GetFlags): Promise<void> {
  const { writeOut: format = 'simple', printValueOnly, countOnly } = flags
  if (printValueOnly === true && format !== 'simple')
    throw usageError('--print-value-only: only with -w simple')
  const range = span(key, end, flags)
  const options = {
    ...range.options,
    ...sorting(flags),
    consistency: consistencyOf(flags.consistency),
    limit: flags.limit ?? 0,
    revision: flags.rev ?? 0,
    keysOnly: flags.keysOnly ?? false,
    countOnly: countOnly ?? false,
  }
  const response = await withSubmitter(flags, (client) => client.range(range.key, options))
  if (flags.json === true) return printJson(rangeJson(response))
  writeOut(flags, {
    simple: () => {
      if (countOnly === true) return print(String(response.count))
      for (const kv of response.kvs) printPair(kv, flags)
    },
    json: () => rangeFields(response),
    fields: () => rangeLines(response),
  })
}

/** As etcdctl: who names a target but no order wants it ascending. */
function sorting({ order, sortBy }: GetFlags) {
  if (order === undefined && sortBy === undefined) return {}
  const sortOrder = order === 'DESCEND' ? 'descend' : 'ascend'
  return { sortOrder, sortTarget: SORT_TARGETS[sortBy ?? 'KEY'] } as const
}

export function consistencyOf(text: string): 'linearizable' | 'stale' {
  return text.startsWith('s') ? 'stale' : 'linearizable'
}

interface SpanFlags {
  readonly prefix?: boolean
  readonly fromKey?: boolean
}

/** One zero byte: the first of all keys, and as an end, behind the last. */
const EVERYTHING = Uint8Array.of(0)

function span(
  key: string,
  end: string | undefined,
  { prefix = false, fromKey = false }: SpanFlags,
) {
  if (end !== undefined && (prefix || fromKey))
    throw usageError(
      `--${prefix ? 'prefix' : 'from-key'}: expected no range_end beside it, got one`,
    )
  if (prefix && fromKey) throw usageError('--from-key: expected no --prefix beside it, got one')
  if (fromKey) return { key: key === '' ? EVERYTHING : key, options: { rangeEnd: EVERYTHING } }
  return { key, options: end === undefined ? { prefix } : { rangeEnd: end } }
}

interface DelFlags extends JsonFlag, SpanFlags {
  readonly prevKv?: boolean
}

export async function del(key: string, end: string | undefined, flags: DelFlags): Promise<void> {
  const range = span(key, end, flags)
  const options = { ...range.options, prevKv: flags.prevKv ?? false }
  const response = await withSubmitter(flags, (client) => client.del(range.key, options))
  if (flags.json === true) return printJson(deleteJson(response))
  writeOut(flags, {
    simple: () => {
      print(String(response.deleted))
      for (const kv of response.prevKvs) printPair(kv, flags)
    },
    json: () => deleteFields(response),
    fields: () => deleteLines(response),
  })
}

interface TxnFlags extends JsonFlag {
  readonly strict?: boolean
  readonly interactive?: boolean
}

/** etcdctl's, before each of the paragraphs. */
const PROMPTS = 'compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):'

export async function txn(flags: TxnFlags): Promise<number> {
  if (flags.interactive === true) print(PROMPTS)
  const request = parseTxn(utf8Decode(await readStdin()))
  const response = await withSubmitter(flags, (client) => client.txn(request))
  if (flags.json === true) printJson(txnJson(response))
  else
    writeOut(flags, {
      simple: () => printTxn(response, flags),
      json: () => txnFields(response),
      fields: () => txnLines(response),
    })
  return flags.strict === true && !response.succeeded ? EXIT.compareFailed : EXIT.ok
}

function printTxn(response: TxnResponse, flags: HexFlag): void {
  print(response.succeeded ? 'SUCCESS' : 'FAILURE')
  for (const op of response.responses) {
    print('')
    printOperation(op, flags)
  }
}

function printOperation(op: ResponseOp, flags: HexFlag): void {
  switch (op.response?.$case) {
    case 'responseRange':
      for (const kv of op.response.value.kvs) printPair(kv, flags)
      return
    case 'responsePut':
      print('OK')
      if (op.response.value.prevKv !== undefined) printPair(op.response.value.prevKv, flags)
      return
    case 'responseDeleteRange':
      print(String(op.response.value.deleted))
      for (const kv of op.response.value.prevKvs) printPair(kv, flags)
      return
    case 'responseTxn':
      printTxn(op.response.value, flags)
      return
    default:
  }
}
