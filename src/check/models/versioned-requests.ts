/** Requests to a multi-version store, what each does to a state, and whether what was answered fits. */
import { HistoryError, type Operation } from '../history.js'
import { encodeValue, isList, isRecord, showValue, type Value } from '../value.js'
import type { Version, Versions } from './versions.js'

type SubRequest =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'delete' | 'get'; readonly key: string }

interface Comparison {
  readonly key: string
  readonly target: 'mod' | 'create' | 'version' | 'value'
  readonly sign: '=' | '!=' | '<' | '>'
  readonly to: Value
}

export type Request =
  | { readonly type: 'get'; readonly key: string; readonly at: number | null }
  | {
      readonly type: 'range'
      readonly key: string
      readonly end: string
      readonly at: number | null
    }
  | {
      readonly type: 'txn'
      readonly compare: readonly Comparison[]
      readonly success: readonly SubRequest[]
      readonly failure: readonly SubRequest[]
    }
  | { readonly type: 'put' | 'delete'; readonly sub: SubRequest }

/** What a request gives on a state: what it changes, and what would be answered. */
export interface Effect {
  readonly changes: ReadonlyMap<string, string | null>
  readonly succeeded: boolean
  readonly results: readonly (Version | number | null)[]
  readonly pairs: readonly [string, Version][]
}

export function requestOf(operation: Operation): Request {
  const { f, input, asked, process } = operation
  const wrong = (expected: string) =>
    new HistoryError(`process ${process}, ${f}: expected ${expected}`)
  const key = operation.key === null ? '' : keyText(operation.key)
  const at = typeof asked.at === 'number' ? asked.at : null
  switch (f) {
    case 'get':
    case 'read':
      return { type: 'get', key, at }
    case 'range':
      if (asked.end === undefined) throw wrong('end, the key before which the range ends')
      return { type: 'range', key, end: keyText(asked.end), at }
    case 'put':
    case 'write':
      return { type: 'put', sub: { type: 'put', key, value: encodeValue(input) } }
    case 'delete':
      return { type: 'delete', sub: { type: 'delete', key } }
    case 'txn': {
      if (!isRecord(input)) throw wrong('value to be { compare, success, failure }')
      const list = (name: string) => {
        const value = input[name] ?? []
        if (!isList(value)) throw wrong(`${name} to be a list`)
        return value
      }
      return {
        type: 'txn',
        compare: list('compare').map((one) => comparisonOf(one, wrong)),
        success: list('success').map((one) => subRequestOf(one, wrong)),
        failure: list('failure').map((one) => subRequestOf(one, wrong)),
      }
    }
    default:
      throw new HistoryError(`mvcc knows get, range, put, delete and txn, not ${f}`)
  }
}

export function effectOf(request: Request, versions: Versions, state: number): Effect | null {
  const nothing = { changes: new Map(), succeeded: true, results: [], pairs: [] }
  switch (request.type) {
    case 'get': {
      const at = whenOf(request.at, versions, state)
      return at === null ? null : { ...nothing, results: [versions.get(at, request.key)] }
    }
    case 'range': {
      const at = whenOf(request.at, versions, state)
      return at === null
        ? null
        : { ...nothing, pairs: versions.range(at, request.key, request.end) }
    }
    case 'put':
    case 'delete':
      return run([request.sub], true, versions, state)
    case 'txn': {
      const succeeded = request.compare.every((one) => holds(one, versions.get(state, one.key)))
      return run(succeeded ? request.success : request.failure, succeeded, versions, state)
    }
  }
}

/** What it may put. */
export function putsOf(
  request: Request,
): readonly { readonly key: string; readonly value: string }[] {
  const subs =
    request.type === 'txn'
      ? [...request.success, ...request.failure]
      : request.type === 'put'
        ? [request.sub]
        : []
  return subs.flatMap((sub) => (sub.type === 'put' ? [{ key: sub.key, value: sub.value }] : []))
}

/** Null when the answer fits, else why it does not. */
export function misfit(
  operation: Operation,
  request: Request,
  effect: Effect,
  revision: number,
): string | null {
  const { output, answer } = operation
  if (answer.revision !== undefined && answer.revision !== revision)
    return `it answered revision ${showValue(answer.revision)}, but here it is ${revision}`
  switch (request.type) {
    case 'put':
      return null
    case 'delete':
      return answer.deleted === undefined || answer.deleted === effect.results[0]
        ? null
        : `it deleted ${showValue(answer.deleted)}, but here ${String(effect.results[0])}`
    case 'get':
      return misfitOfKey(output, answer, effect.results[0] as Version | null)
    case 'range': {
      const shown = encodeValue(output)
      const mods = isList(output) && output.some((pair) => isList(pair) && pair.length > 2)
      const here = `[${effect.pairs.map(([key, v]) => `[${JSON.stringify(key)},${v.value}${mods ? `,${v.mod}` : ''}]`).join(',')}]`
      return shown === here ? null : `it answered ${showValue(output)}, but here it is ${here}`
    }
    case 'txn':
      return misfitOfTxn(output, effect)
  }
}

function misfitOfKey(
  output: Value,
  answer: Operation['answer'],
  found: Version | null,
): string | null {
  const here = found === null ? 'nil' : found.value
  if (encodeValue(output) !== (found?.value ?? 'null'))
    return `it answered ${showValue(output)}, but here it is ${here}`
  for (const name of ['mod', 'create', 'version'] as const)
    if (answer[name] !== undefined && answer[name] !== (found?.[name] ?? 0))
      return `it answered ${name} ${showValue(answer[name])}, but here it is ${found?.[name] ?? 0}`
  return null
}

function misfitOfTxn(output: Value, effect: Effect): string | null {
  if (!isRecord(output)) return null
  if (output.succeeded !== undefined && output.succeeded !== effect.succeeded)
    return `its comparisons ${output.succeeded === true ? 'held' : 'failed'}, but here they do not`
  const { results } = output
  if (!isList(results)) return null
  for (let i = 0; i < effect.results.length; i++) {
    const here = effect.results[i] ?? null
    const told = results[i] ?? null
    if (typeof here === 'number') {
      if (told !== null && told !== here)
        return `result ${i} is ${showValue(told)}, but here ${here}`
      continue
    }
    const fields = isRecord(told) ? told : { value: told }
    const why = misfitOfKey(fields.value ?? null, fields, here)
    if (why !== null) return `result ${i}: ${why}`
  }
  return null
}

function run(
  subs: readonly SubRequest[],
  succeeded: boolean,
  versions: Versions,
  state: number,
): Effect {
  const changes = new Map<string, string | null>()
  const results: (Version | number | null)[] = []
  for (const sub of subs) {
    const before = changes.get(sub.key)
    const there = before === undefined ? versions.get(state, sub.key) !== null : before !== null
    if (sub.type === 'put') changes.set(sub.key, sub.value)
    if (sub.type === 'put') results.push(null)
    if (sub.type === 'delete') {
      if (there) changes.set(sub.key, null)
      results.push(there ? 1 : 0)
    }
    if (sub.type === 'get') results.push(versions.get(state, sub.key))
  }
  return { changes, succeeded, results, pairs: [] }
}

function whenOf(at: number | null, versions: Versions, state: number): number | null {
  if (at === null || at === 0) return state
  return at > versions.revisionOf(state) ? null : versions.atRevision(state, at)
}

function holds({ target, sign, to }: Comparison, found: Version | null): boolean {
  if (target === 'value') {
    // As in etcd: without the key no comparison of its value holds.
    if (found === null) return false
    const same = found.value === encodeValue(to)
    return sign === '=' ? same : sign === '!=' ? !same : compare(found.value, sign, encodeValue(to))
  }
  return compare(found?.[target] ?? 0, sign, Number(to))
}

function compare<T extends number | string>(a: T, sign: Comparison['sign'], b: T): boolean {
  switch (sign) {
    case '=':
      return a === b
    case '!=':
      return a !== b
    case '<':
      return a < b
    case '>':
      return a > b
  }
}

function comparisonOf(value: Value, wrong: (expected: string) => HistoryError): Comparison {
  const [target, key, sign, to] = isList(value) ? value : []
  if (
    (target === 'mod' || target === 'create' || target === 'version' || target === 'value') &&
    (sign === '=' || sign === '!=' || sign === '<' || sign === '>') &&
    key !== undefined &&
    to !== undefined
  )
    return { target, key: keyText(key), sign, to }
  throw wrong('a comparison such as ["mod", key, "=", 7]')
}

function subRequestOf(value: Value, wrong: (expected: string) => HistoryError): SubRequest {
  const [type, key, to] = isList(value) ? value : []
  if (key !== undefined && (type === 'get' || type === 'delete')) return { type, key: keyText(key) }
  if (key !== undefined && type === 'put' && to !== undefined)
    return { type, key: keyText(key), value: encodeValue(to) }
  throw wrong('a request such as ["put", key, value], ["get", key] or ["delete", key]')
}

export function keyText(key: Value): string {
  return typeof key === 'string' ? key : encodeValue(key)
}
