/** From what a disk gave back to a core: the protocol's own fold, with what was lost put in its place. */
import type { Core, Effect, Self, SnapshotMeta } from '../../consensus/contract.js'
import { check } from '../checkers/violation.js'
import type { OpenedDisk } from '../disk.js'
import type { NodeContext } from '../node-context.js'

export interface RecoveredCore<M, R, C> {
  readonly core: C
  readonly effects: Effect<M, R>[]
  readonly records: readonly R[]
  /** Of the file that it begins with; null: with none. */
  readonly snapshot: SnapshotMeta | null
}

/** A string: why the node refuses to start. */
export function recordsOf<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  opened: OpenedDisk,
  context: NodeContext<M, R, O, C>,
): R[] | string {
  const { protocol } = context.sim
  const records: R[] = []
  for (const item of opened.items) {
    if (item instanceof Uint8Array) {
      const decoded = protocol.decodeRecords(item)
      check(decoded !== null, 'recovery', () => 'a record that we did not write')
      records.push(...(decoded ?? []))
      continue
    }
    const lost = protocol.lost(item.shape)
    if (lost === null) return 'a shape that is none'
    // Alone, nobody can give it back.
    if (context.members.length === 1) return 'the log is damaged, and there is no peer to heal it'
    records.push(lost)
  }
  return context.liar?.records(records) ?? records
}

export function recoverCore<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  records: readonly R[],
  self: Self,
  context: NodeContext<M, R, O, C>,
): RecoveredCore<M, R, C> | string {
  const { sim, swarm } = context
  try {
    const { core, effects } = sim.protocol.recover(records, self, sim.options(swarm))
    const restore = effects.find((effect) => effect.type === 'Restore')
    return { core, effects, records, snapshot: restore?.snapshot ?? null }
  } catch (error) {
    // What is missing makes no node; a log that was not damaged always makes one.
    if (!(error instanceof Error)) throw error
    check(swarm.hopeless, 'recovery', () => `${self.id}: ${error.message}`)
    return error.message
  }
}
