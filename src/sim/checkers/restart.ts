/** What a start owes to the starts before it: votes that were given, and all that the disk had for certain. */
import type { Index, NodeId } from '../../consensus/ids.js'
import type { Raft } from '../../consensus/raft/index.js'
import { baseOf, termAt } from '../../consensus/raft/log.js'
import type { WalRecord } from '../../consensus/raft/records.js'
import type { DurableLog } from './durable-log.js'
import { check } from './violation.js'

/** The life that ended. */
interface Former {
  readonly disk: DurableLog
  readonly written: readonly { readonly records: readonly WalRecord[] }[]
}

export function checkVote(id: NodeId, core: Raft, given: NodeId | undefined): void {
  const { term, votedFor } = core.state
  check(
    given === undefined || given === votedFor,
    'durable-vote',
    () => `${id} voted for ${given} in term ${term}, and after a restart for ${votedFor}`,
  )
}

/** Where nothing is damaged, what was synced is there again; what was written and not synced may have replaced it. */
export function checkKept(
  id: NodeId,
  core: Raft,
  former: Former,
  records: readonly WalRecord[],
): void {
  if (records.some(({ type }) => type === 'Lost' || type === 'SnapshotLost')) return
  const through = untouched(former)
  const { log } = core.state
  for (const [index, term] of former.disk.entries()) {
    if (index > through || index <= baseOf(log).index) continue
    const here = termAt(log, index)
    check(
      here === term,
      'durable-log',
      () => `${id} had synced entry ${index} of term ${term}; after a restart it has ${here}`,
    )
  }
}

/** The last index that no unsynced write may have replaced. */
function untouched({ written }: Former): Index {
  let through = Number.POSITIVE_INFINITY
  for (const { records } of written)
    for (const record of records) {
      if (record.type === 'SnapshotInstalled') return 0
      if (record.type !== 'Append') continue
      const first = record.entries[0]
      if (first !== undefined) through = Math.min(through, first.index - 1)
    }
  return through
}
