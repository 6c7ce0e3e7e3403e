/** etcdctl's transaction text: three paragraphs of comparisons, then of what to do, then of what else. */
import { utf8Encode } from '../../base/utf8.js'
import { deleteRequest, putRequest, rangeRequest } from '../../client/kv.js'
import type { Compare, RequestOp, TxnRequest } from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { usageError } from '../errors.js'
import { leaseIdOf } from './lease-id.js'

/** Throws CliError naming the line that cannot be read. */
export function parseTxn(text: string): TxnRequest {
  const paragraphs: { line: string; number: number }[][] = [[], [], []]
  let at = 0
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '') {
      at++
      continue
    }
    const paragraph = paragraphs[at]
    if (paragraph === undefined)
      throw usageError(
        `txn, line ${i + 1}: a fourth paragraph; expected comparisons, success and failure, each ended by an empty line`,
      )
    paragraph.push({ line, number: i + 1 })
  }
  const [compares = [], success = [], failure = []] = paragraphs
  return {
    compare: compares.map(({ line, number }) => parseCompare(line, number)),
    success: success.map(({ line, number }) => parseOperation(line, number)),
    failure: failure.map(({ line, number }) => parseOperation(line, number)),
  }
}

const RESULTS: Readonly<Record<string, Compare['result']>> = { '=': 0, '>': 1, '<': 2, '!=': 3 }

function parseCompare(line: string, number: number): Compare {
  const match =
    /^([a-z]+)\(\s*("(?:[^"\\]|\\.)*")\s*\)\s*(!=|=|<|>)\s*("(?:[^"\\]|\\.)*"|\S+)$/.exec(line)
  if (match === null)
    throw usageError(
      `txn, line ${number}: expected value("key") = "text" or mod|create|version|lease("key") <|>|=|!= "number", got ${line}`,
    )
  const [, target = '', key = '', result = '', operand = ''] = match
  const text = unquote(operand, number)
  const base = {
    result: RESULTS[result] ?? 0,
    key: utf8Encode(unquote(key, number)),
    rangeEnd: new Uint8Array(0),
  }
  switch (target) {
    case 'ver':
    case 'version':
      return { ...base, target: 0, targetUnion: { $case: 'version', value: whole(text, number) } }
    case 'c':
    case 'create': {
      const value = whole(text, number)
      return { ...base, target: 1, targetUnion: { $case: 'createRevision', value } }
    }
    case 'm':
    case 'mod': {
      const value = whole(text, number)
      return { ...base, target: 2, targetUnion: { $case: 'modRevision', value } }
    }
    case 'val':
    case 'value':
      return { ...base, target: 3, targetUnion: { $case: 'value', value: utf8Encode(text) } }
    case 'lease':
      return {
        ...base,
        target: 4,
        targetUnion: { $case: 'lease', value: leaseIdOf(text, `txn, line ${number}`) },
      }
    default:
      throw usageError(
        `txn, line ${number}: expected value, mod, create, version or lease, got ${target}`,
      )
  }
}

function whole(text: string, number: number): number {
  const value = Number(text)
  if (!/^-?[0-9]+$/.test(text) || !Number.isSafeInteger(value))
    throw usageError(`txn, line ${number}: expected a whole number, got ${JSON.stringify(text)}`)
  return value
}

function parseOperation(line: string, number: number): RequestOp {
  const words = line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g) ?? []
  const [verb = '', ...rest] = words.map((word) => unquote(word, number))
  const flags = rest.filter((word) => word.startsWith('--'))
  const [first, second, third] = rest.filter((word) => !word.startsWith('--'))
  if (first === undefined || third !== undefined)
    throw usageError(`txn, line ${number}: expected put KEY VALUE, get KEY or del KEY, got ${line}`)
  const prefix = flags.includes('--prefix')
  const prevKv = flags.includes('--prev-kv')
  const range = second === undefined ? { prefix } : { rangeEnd: second }
  const known = (...names: readonly string[]) => {
    const other = flags.find((flag) => !names.some((name) => flag.split('=')[0] === name))
    if (other !== undefined) throw usageError(`txn, line ${number}: ${verb} has no flag ${other}`)
  }
  switch (verb) {
    case 'put': {
      known('--prev-kv', '--lease', '--ignore-lease')
      if (second === undefined) throw usageError(`txn, line ${number}: put needs a key and a value`)
      const text = flags.find((flag) => flag.startsWith('--lease='))?.slice('--lease='.length)
      const lease = text === undefined ? {} : { lease: leaseIdOf(text, `txn, line ${number}`) }
      const ignoreLease = flags.includes('--ignore-lease')
      const value = putRequest(first, second, { ...lease, prevKv, ignoreLease })
      return { request: { $case: 'requestPut', value } }
    }
    case 'get':
      known('--prefix')
      return { request: { $case: 'requestRange', value: rangeRequest(first, range) } }
    case 'del': {
      known('--prefix', '--prev-kv')
      const value = deleteRequest(first, { ...range, prevKv })
      return { request: { $case: 'requestDeleteRange', value } }
    }
    default:
      throw usageError(`txn, line ${number}: expected put, get or del, got ${verb}`)
  }
}

function unquote(word: string, number: number): string {
  if (word.length >= 2 && word.startsWith("'") && word.endsWith("'")) return word.slice(1, -1)
  if (!word.startsWith('"')) return word
  try {
    const text: unknown = JSON.parse(word)
    if (typeof text === 'string') return text
  } catch {
    // Told below.
  }
  throw usageError(`txn, line ${number}: expected quoted text, got ${word}`)
}
