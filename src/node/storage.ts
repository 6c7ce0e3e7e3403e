/** Opens what a node has on disk: the directory, its lock, the log, the snapshots. */
import { createHash } from 'node:crypto'
import type { Hasher } from '../base/sha256.js'
import type { Protocol } from '../consensus/contract.js'
import { clusterIdOf } from '../crypto/cluster-id.js'
import { CUTTING } from '../state-transfer/cutter.js'
import { type Hashing, TreeHasher } from '../state-transfer/tree.js'
import type { Done } from '../wal/file-system.js'
import { type Opened, openWal } from '../wal/open.js'
import type { Damage } from '../wal/recovery.js'
import type { WalError } from '../wal/refusal.js'
import { SnapshotStore } from '../wal/snapshot-store.js'
import type { Wal } from '../wal/wal.js'
import type { NodeConfig } from './config.js'
import { DataDir } from './data-dir.js'
import { EndingDisk } from './ending-disk.js'
import { DATA_REFUSED, DISK_FAILED, dataRefused, NodeError } from './errors.js'
import { logFileSystem, nodeFileSystem, timed } from './file-system.js'
import type { Log } from './log.js'

type RecordCodec<R> = Pick<Protocol<never, R, never>, 'decodeRecords' | 'lost'>

export interface Storage<R> {
  readonly dataDir: DataDir
  readonly wal: Wal
  readonly snapshots: SnapshotStore
  /** On which the snapshots are. */
  readonly snapshotDisk: EndingDisk
  /** What the log holds, in order, with a Lost where it is damaged. */
  readonly records: readonly R[]
  readonly damage: Damage | null
}

export function nativeHasher(): Hasher {
  const hash = createHash('sha256')
  return {
    update: (bytes) => {
      hash.update(bytes)
    },
    digest: () => hash.digest(),
  }
}

/** How a PBFT node's snapshots are cut and hashed. */
export const PARTS: Hashing = { newHasher: nativeHasher, cutting: CUTTING }

export interface DiskEvents {
  /** The disk failed, after it had been opened. */
  failed(error: NodeError): void
  /** The log was synced, in so many seconds. */
  synced(seconds: number): void
}

/** Throws NodeError. */
export async function openStorage<R>(
  config: NodeConfig,
  protocol: RecordCodec<R>,
  log: Log,
  events: DiskEvents,
): Promise<Storage<R>> {
  const names = config.initialCluster.map((member) => member.name)
  const clusterId = clusterIdOf(config.clusterToken, names)
  const owner = { clusterId, nodeId: config.name, protocol: config.protocol }
  const dataDir = await DataDir.open(config.dataDir, owner)
  try {
    const { uid } = dataDir.identity
    const opened = await new Promise<Opened>((resolve, reject) => {
      const options = {
        identity: { clusterId, nodeId: config.name, uid },
        segmentBytes: config.limits.segmentBytes,
        newHasher: nativeHasher,
        onFailure: (error: WalError) => events.failed(nodeError(error)),
      }
      const disk = timed(logFileSystem, events.synced)
      openWal(disk, dataDir.file('wal'), options, (error, result) => {
        if (error !== null || result === null) reject(error === null ? error : nodeError(error))
        else resolve(result)
      })
    })
    if (opened.cut !== null) log.warn({ cut: opened.cut }, 'the log ended in an unfinished write')
    const folder = dataDir.file('snap')
    const snapshotDisk = new EndingDisk(nodeFileSystem)
    const snapshots = new SnapshotStore(snapshotDisk, folder, {
      // PBFT: what W replicas vouch for is the root of a tree, so that a part can be believed without the whole.
      newHasher: config.protocol === 'pbft' ? () => new TreeHasher(PARTS) : nativeHasher,
      soon: setImmediate,
    })
    await onDisk((done) => nodeFileSystem.mkdir(folder, done))
    await onDisk((done) => nodeFileSystem.syncDirectory(dataDir.path, done))
    await onDisk((done) => snapshots.removeUnfinished(done))
    const { wal, damage } = opened
    return { dataDir, wal, snapshots, snapshotDisk, records: decode(opened, protocol), damage }
  } catch (error) {
    await dataDir.close()
    throw error
  }
}

function onDisk(act: (done: Done<void>) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    act((error) =>
      error === null ? resolve() : reject(new NodeError(DISK_FAILED, error.message)),
    ),
  )
}

function decode<R>(opened: Opened, protocol: RecordCodec<R>): R[] {
  const records: R[] = []
  for (const item of opened.records) {
    if (item.kind === 'lost') {
      const lost = protocol.lost(item.shape)
      if (lost === null) throw dataRefused(opened.damage?.error.message ?? 'the log is damaged')
      records.push(lost)
      continue
    }
    const { payload, file, offset } = item
    const decoded = protocol.decodeRecords(payload)
    if (decoded === null)
      throw dataRefused(
        `${file} at byte ${offset}: an intact record that this version does not know; start the version that wrote it`,
      )
    records.push(...decoded)
  }
  return records
}

function nodeError(error: WalError): NodeError {
  const code = error.refusal.code === 'WAL_IO' ? DISK_FAILED : DATA_REFUSED
  return new NodeError(code, error.message)
}
