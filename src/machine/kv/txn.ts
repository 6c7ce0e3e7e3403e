/**
 * Txn, as etcd runs it: every compare, nested ones too, looks at the state before the transaction; then all
 * that could fail is checked, puts before ranges; then the chosen operations run, each seeing what those before it wrote. So a
 * transaction fails as a whole or not at all. Recursion is bounded by the depth that the decoder lets in.
 */
import { compareBytes, EMPTY } from '../../base/bytes.js'
import { latin1Decode } from '../../base/latin1.js'
import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { answerFits } from './answer-size.js'
import { KV_ERRORS, type KvError } from './errors.js'
import type { Version } from './history.js'
import { compareLeases } from './lease-id.js'
import { keyRange, runRange } from './range.js'
import { type Reply, sized } from './replies.js'
import type { Store } from './store.js'
import { checkTxnPutState, runDeleteRange, runPut } from './writes.js'

/** A transaction with its branches chosen. */
interface Plan {
  readonly type: 'Txn'
  readonly succeeded: boolean
  readonly steps: readonly Step[]
}

type Step =
  | { readonly type: 'Range'; readonly request: RangeRequest }
  | { readonly type: 'Put'; readonly request: PutRequest }
  | { readonly type: 'DeleteRange'; readonly request: DeleteRangeRequest }
  | Plan

/** Runs inside a change that the caller commits. The request is valid. */
export function runTxn(store: Store, request: TxnRequest): Reply | KvError {
  const plan = choose(store, request)
  const error = checkPuts(store, plan, { from: null }) ?? checkRanges(store, plan)
  if (error !== null) return error
  if (!answerFits(store, plan.steps)) return KV_ERRORS.answerTooLarge
  if (operationsOf(plan) > 1) store.counts.txns++
  const responses = run(store, plan)
  const { succeeded } = plan
  return sized({ type: 'Txn', revision: store.visibleRevision, succeeded, responses })
}

/** Whether it only reads; as in etcd, a nested transaction never counts as only reading. */
export function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every(
    (op) => op.request?.$case === 'requestRange',
  )
}

function operationsOf({ steps }: Plan): number {
  return steps.reduce((sum, step) => sum + (step.type === 'Txn' ? operationsOf(step) : 1), 0)
}

function choose(store: Store, request: TxnRequest): Plan {
  const succeeded = request.compare.every((compare) => holds(store, compare))
  const steps: Step[] = []
  for (const op of succeeded ? request.success : request.failure) {
    switch (op.request?.$case) {
      case 'requestRange':
        steps.push({ type: 'Range', request: op.request.value })
        break
      case 'requestPut':
        steps.push({ type: 'Put', request: op.request.value })
        break
      case 'requestDeleteRange':
        steps.push({ type: 'DeleteRange', request: op.request.value })
        break
      case 'requestTxn':
        steps.push(choose(store, op.request.value))
    }
  }
  return { type: 'Txn', succeeded, steps }
}

/** In the order of execution, for deletions "from a key on" may come before a put of such a key. */
function checkPuts(store: Store, plan: Plan, gone: { from: string | null }): KvError | null {
  for (const step of plan.steps) {
    let error: KvError | null = null
    if (step.type === 'Put') error = checkPut(store, step.request, gone)
    else if (step.type === 'Txn') error = checkPuts(store, step, gone)
    else if (step.type === 'DeleteRange') noteOpenDelete(step.request, gone)
    if (error !== null) return error
  }
  return null
}

/** A put that keeps the value of a key deleted just before: etcd lets it through and then stops. */
function checkPut(store: Store, put: PutRequest, gone: { from: string | null }): KvError | null {
  const keeps = put.ignoreValue || put.ignoreLease
  if (keeps && gone.from !== null && latin1Decode(put.key) >= gone.from)
    return KV_ERRORS.keyNotFound
  return checkTxnPutState(store, put)
}

function noteOpenDelete(request: DeleteRangeRequest, gone: { from: string | null }): void {
  const { key, end } = keyRange(request.key, request.rangeEnd)
  if (end === null && (gone.from === null || key < gone.from)) gone.from = key
}

function checkRanges(store: Store, plan: Plan): KvError | null {
  for (const step of plan.steps) {
    let error: KvError | null = null
    if (step.type === 'Range') error = checkRangeRevision(store, step.request.revision)
    else if (step.type === 'Txn') error = checkRanges(store, step)
    if (error !== null) return error
  }
  return null
}

/** Unlike a range by itself, one in a transaction is refused at a negative revision: so in etcd. */
function checkRangeRevision(store: Store, revision: number): KvError | null {
  if (revision === 0) return null
  if (revision > store.revision) return KV_ERRORS.futureRevision
  return revision < store.compactRevision ? KV_ERRORS.compacted : null
}

function run(store: Store, plan: Plan): Reply[] {
  return plan.steps.map((step) => runStep(store, step))
}

function runStep(store: Store, step: Step): Reply {
  switch (step.type) {
    case 'Range':
      return runRange(store, step.request)
    case 'Put':
      return runPut(store, step.request)
    case 'DeleteRange':
      return runDeleteRange(store, step.request)
    case 'Txn': {
      const responses = run(store, step)
      return sized({ type: 'Txn', revision: null, succeeded: step.succeeded, responses })
    }
  }
}

/** Every key of the compare's range must satisfy it. */
function holds(store: Store, compare: Compare): boolean {
  let found = false
  let all = true
  const range = keyRange(compare.key, compare.rangeEnd)
  store.scan(range, store.revision, (version) => {
    found = true
    all = satisfies(compare, version)
    return all
  })
  if (found) return all
  // A missing key has all numbers zero, and no value that could be compared, not even by "not equal".
  return compare.target !== 3 && satisfies(compare, null)
}

function satisfies(compare: Compare, version: Version | null): boolean {
  const order = compareTarget(compare, version)
  switch (compare.result) {
    case 0:
      return order === 0
    case 1:
      return order > 0
    case 2:
      return order < 0
    case 3:
      return order !== 0
    default:
      // etcd lets an unknown comparison pass.
      return true
  }
}

/** The wanted value counts only if it is of the compare's target; else it is zero, or empty. */
function compareTarget(compare: Compare, version: Version | null): number {
  const wanted = compare.targetUnion
  switch (compare.target) {
    case 0:
      return (version?.version ?? 0) - (wanted?.$case === 'version' ? wanted.value : 0)
    case 1:
      return (version?.create ?? 0) - (wanted?.$case === 'createRevision' ? wanted.value : 0)
    case 2:
      return (version?.mod ?? 0) - (wanted?.$case === 'modRevision' ? wanted.value : 0)
    case 3:
      return compareBytes(version?.value ?? EMPTY, wanted?.$case === 'value' ? wanted.value : EMPTY)
    case 4:
      return compareLeases(version?.lease ?? '0', wanted?.$case === 'lease' ? wanted.value : '0')
    default:
      return 0
  }
}
