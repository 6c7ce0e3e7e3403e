/**
 * From what the disk holds to a core that can start: the log's records folded, the snapshot that they name read and
 * verified. What is damaged is asked of the peers (docs/decisions/0004), and refused where nobody can give it: a
 * node that is alone, or a log that does not tell what is missing.
 */
import { AssertionError } from '../base/assert.js'
import type { Core, Effect, Self, SnapshotMeta } from '../consensus/contract.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type WalRecord,
} from '../consensus/raft/index.js'
import { protocols } from '../protocols.js'
import type { FileError } from '../wal/file-system.js'
import type { Damage } from '../wal/recovery.js'
import { SNAPSHOT_CORRUPT } from '../wal/snapshot-reader.js'
import type { SnapshotStore } from '../wal/snapshot-store.js'
import type { NodeConfig } from './config.js'
import { dataRefused, diskFailed } from './errors.js'
import type { Log } from './log.js'

export interface RecoverySetup {
  readonly protocol: NodeConfig['protocol']
  readonly records: readonly WalRecord[]
  readonly damage: Damage | null
  readonly snapshots: SnapshotStore
  readonly self: Self
  readonly options: Options
  readonly log: Log
}

/** A snapshot's content, verified. */
export interface Loaded {
  readonly snapshot: SnapshotMeta
  readonly chunks: readonly Uint8Array[]
}

export interface Recovery {
  readonly core: Core<Message, WalRecord>
  readonly effects: Effect<Message, WalRecord>[]
  /** What the first Restore is of. */
  readonly loaded: Loaded | null
  /** What the node would be refused with for its damage, should nobody give back what is missing. */
  readonly damage: string | null
}

/** The cluster has formed: a damaged log of a cluster tells so too. */
export function isBootstrapped(records: readonly WalRecord[]): boolean {
  return records.some(
    (record) =>
      record.type === 'Bootstrap' ||
      record.type === 'Lost' ||
      (record.type === 'State' && record.snapshot !== null),
  )
}

export function coreOptions({ timing, limits }: NodeConfig): Options {
  return {
    ...DEFAULT_OPTIONS,
    electionTicks: Math.max(2, Math.round(timing.electionTimeoutMs / timing.tickMs)),
    heartbeatTicks: Math.max(1, Math.round(timing.heartbeatMs / timing.tickMs)),
    snapshotEntries: limits.snapshotEntries,
    keepEntries: limits.keepEntries,
  }
}

/** Throws NodeError. */
export async function recoverNode(setup: RecoverySetup): Promise<Recovery> {
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
      const lost = protocols[setup.protocol].snapshotLost()
      folded = fold(setup, [...setup.records, lost], damage)
      loaded = null
    }
  }
  tellDamage(setup, folded.core, damage)
  return { ...folded, loaded, damage }
}

type Folded = Pick<Recovery, 'core' | 'effects'>

/** A whole log that does not fold is a bug and says so; of a damaged one too much is gone. */
function fold(setup: RecoverySetup, records: readonly WalRecord[], damage: string | null): Folded {
  try {
    return protocols[setup.protocol].recover(records, setup.self, setup.options)
  } catch (error) {
    if (damage === null || !(error instanceof AssertionError)) throw error
    throw dataRefused(`${damage} (${error.message})`)
  }
}

function restored(effects: readonly Effect<Message, WalRecord>[]): SnapshotMeta | null {
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
  { damage, log, self }: RecoverySetup,
  core: Core<Message, WalRecord>,
  problem: string | null,
): void {
  for (const { file, offset, outcome, error } of damage?.stretches ?? [])
    log.warn(
      { file, offset, outcome },
      `the log is damaged: ${file} at byte ${offset}: ${error.refusal.problem}`,
    )
  const { missing, configuration } = core.status()
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
