/**
 * How large an answer may be. A few kilobytes of request can ask for the whole store hundreds of times over, and every
 * node builds the answer where it applies the command:
 * 1. A transaction puts a key, and ranges over 100 MB in each of 120 operations. 2. No array holds the answer: whoever applies
 * it stops. 3. It is in the log, so that all stop, and again at each start.
 * So what writes is refused before it has written, by the state before it and its own puts; what only reads, by what it found.
 */
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
} from '../../gen/etcd/api/etcdserverpb/rpc.js'
import { keyRange, readRange } from './range.js'
import { prevsSize } from './replies.js'
import type { Store } from './store.js'

/** Of one answer. */
export const ANSWER_BYTES_MAX = 256 * 1024 * 1024
/** More than the numbers, tags and lengths around a key and its value, and around a reply. */
const AROUND_BYTES = 80

export type Step =
  | { readonly type: 'Range'; readonly request: RangeRequest }
  | { readonly type: 'Put'; readonly request: PutRequest }
  | { readonly type: 'DeleteRange'; readonly request: DeleteRangeRequest }
  | { readonly type: 'Txn'; readonly steps: readonly Step[] }

/**
 * Every node says the same, though garbage differs: it only makes the first bound larger, and what is within that is
 * within the second, which no garbage is in.
 */
export function answerFits(store: Store, steps: readonly Step[]): boolean {
  const asked = { steps: 0, reads: 0, putBytes: 0 }
  look(steps, asked)
  const most = store.bytesHeld + (store.size + 1) * AROUND_BYTES + asked.putBytes
  if (asked.reads * most + asked.steps * AROUND_BYTES <= ANSWER_BYTES_MAX) return true
  return spend(store, steps, { left: ANSWER_BYTES_MAX, putBytes: asked.putBytes })
}

interface Asked {
  steps: number
  reads: number
  putBytes: number
}

function look(steps: readonly Step[], asked: Asked): void {
  for (const step of steps) {
    asked.steps++
    if (step.type === 'Txn') look(step.steps, asked)
    else {
      // Of a put it is one value; counted as a whole read, for simplicity.
      if (step.type === 'Range' || step.request.prevKv) asked.reads++
      if (step.type === 'Put')
        asked.putBytes += step.request.key.length + step.request.value.length + AROUND_BYTES
    }
  }
}

function spend(
  store: Store,
  steps: readonly Step[],
  budget: { left: number; readonly putBytes: number },
): boolean {
  for (const step of steps) {
    budget.left -= AROUND_BYTES
    if (step.type === 'Txn') {
      if (!spend(store, step.steps, budget)) return false
    } else if (step.type === 'Range' || step.request.prevKv)
      budget.left -= foundBytes(store, step) + budget.putBytes
    if (budget.left < 0) return false
  }
  return true
}

function foundBytes(store: Store, step: Exclude<Step, { type: 'Txn' }>): number {
  if (step.type === 'Range') return readRange(store, step.request).size
  const { key, end } = keyRange(step.request.key, endOf(step.request))
  let bytes = 0
  store.scan({ key, end }, store.revision, (version) => {
    bytes += prevsSize([version])
    return bytes <= ANSWER_BYTES_MAX
  })
  return bytes
}

const ALONE = new Uint8Array(0)

function endOf(request: PutRequest | DeleteRangeRequest): Uint8Array {
  return 'rangeEnd' in request ? request.rangeEnd : ALONE
}
