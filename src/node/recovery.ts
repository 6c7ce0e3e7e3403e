/**
 * From what the disk holds to a core that can start: the log's records folded, the snapshot that they name read and
 * verified. What is damaged is asked of the peers (docs/decisions/0004), and refused where nobody can give it: a
 * node that is alone, or a log that does not tell what is missing.
 */
import { AssertionError } from '../base/assert.js'
import type { Core, CoreStatus, Effect, Self, SnapshotMeta } from '../consensus/contract.js'
import type { FileError } from '../wal/file-system.js'
import type { Damage } from '../wal/recovery.js'
import { SNAPSHOT_CORRUPT } from '../wal/snapshot-reader.js'
import type { SnapshotStore } from '../wal/snapshot-store.js'
import { dataRefused, diskFailed } from './errors.js'
import type { Log } from './log.js'
import type { NodeProtocol } from './protocol.js'
import type { Storage } from './storage.js'

export interface RecoverySetup<
  M extends { readonly type: string },
  R extends { readonly type: string },
> {
  readonly consensus: NodeProtocol<M, R>
  readonly records: readonly R[]
  readonly damage: Damage | null
  readonly snapshots: SnapshotStore
  readonly self: Self
  readonly log: Log
}

/** A snapshot's content, verified. */
export interface Loaded {
  readonly snapshot: SnapshotMeta
  readonly chunks: readonly Uint8Array[]
}

export interface Recovery<M extends { readonly type: string }, R> {
  readonly core: Core<M, R>
  readonly effects: Effect<M, R>[]
  /** What the first Restore is of. */
  readonly loaded: Loaded | null
  /** What the node would be refused with for its damage, should nobody give back what is missing. */
  readonly damage: string | null
}

/** Throws NodeError: what the directory says of itself and what its log holds do not go together. */
export function requireWhole<R extends { readonly type: string }>(
  { dataDir, records, damage }: Storage<R>,
  bootstrapped: boolean,
): void {
  const { formed } = dataDir.identity
  if (!formed && records.some((record) => record.type === 'Lost'))
    throw dataRefused(damage?.error.message ?? 'the log is damaged')
  if (formed && !bootstrapped)
    throw dataRefused(
      `${dataDir.path} was wiped: the cluster knows this node, and its log is gone. ` +
        'Put the directory back, or let the node join as a new member with an empty one',
    )
}

/** Throws NodeError. */
export async function recoverNode<
  M extends { readonly type: string },
  R extends { readonly type: string },
>(setup: RecoverySetup<M, R>): Promise<Recovery<M, R>> {
  let damage = setup.damage?.error.message ?? null
  let folded = fold(setup, setup.records, damage)
  let loaded: Loaded | null = null
  const snapshot = restored(folded.effects)
  if (snapshot !== null) {
    const read = await readSnapshot(setup.snapshots, snapshot)
    if (read.type === 'whole') loaded = { snapshot, chunks: read.chunks }
    else {
      damage ??= read.problem
      setup.log.warn({ index: snapshot.index }, read.problem)
      const lost = setup.consensus.protocol.snapshotLost()
      folded = fold(setup, [...setup.records, lost], damage)
      loaded = null
    }
  }
  tellDamage(setup, folded.core.status(), damage)
  return { ...folded, loaded, damage }
}

/** A whole log that does not fold is a bug and says so; of a damaged one too much is gone. */
function fold<M extends { readonly type: string }, R extends { readonly type: string }>(
  setup: RecoverySetup<M, R>,
  records: readonly R[],
  damage: string | null,
): Pick<Recovery<M, R>, 'core' | 'effects'> {
  try {
    return setup.consensus.recover(records, setup.self)
  } catch (error) {
    if (damage === null || !(error instanceof AssertionError)) throw error
    throw dataRefused(`${damage} (${error.message})`)
  }
}

function restored(
  effects: readonly Effect<{ readonly type: string }, unknown>[],
): SnapshotMeta | null {
  for (const effect of effects) if (effect.type === 'Restore') return effect.snapshot
  return null
}

type Read =
  | { readonly type: 'whole'; readonly chunks: readonly Uint8Array[] }
  | { readonly type: 'damaged'; readonly problem: string }

function readSnapshot(store: SnapshotStore, snapshot: SnapshotMeta): Promise<Read> {
  return new Promise((resolve, reject) =>
    store.read(snapshot, (error: FileError | null, chunks) => {
      if (error?.code === SNAPSHOT_CORRUPT) resolve({ type: 'damaged', problem: error.message })
      else if (error !== null || chunks === null) reject(diskFailed(String(error?.message)))
      else resolve({ type: 'whole', chunks })
    }),
  )
}

/** One line for each stretch, and one for what is missing; refuses a node that has nobody to ask. */
function tellDamage(
  { damage, log, self }: Pick<RecoverySetup<never, never>, 'damage' | 'log' | 'self'>,
  { missing, configuration }: CoreStatus,
  problem: string | null,
): void {
  for (const { file, offset, outcome, error } of damage?.stretches ?? [])
    log.warn(
      { file, offset, outcome },
      `the log is damaged: ${file} at byte ${offset}: ${error.refusal.problem}`,
    )
  if (problem === null) return
  if (missing === 0) {
    log.warn({ missing }, 'damage on the disk, and nothing is missing')
    return
  }
  const others = [...configuration.voters, ...configuration.votersOutgoing].filter(
    (id) => id !== self.id,
  )
  if (others.length === 0) throw dataRefused(problem)
  log.warn({ missing, peers: others }, `${missing} entries are missing; asking peers`)
}
