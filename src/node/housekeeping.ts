/** What a node does by itself for its store: keeps to its quota, compacts, and frees what was given up. */
import type { KvMachine } from '../machine/kv/kv-machine.js'
import { AutoCompaction } from '../server/etcd/auto-compaction.js'
import type { EtcdDoor } from '../server/etcd/door.js'
import type { SpaceGuard } from '../server/etcd/space-guard.js'
import type { NodeLimits } from './config.js'
import type { NodeReplica } from './node-replica.js'

const LOOK_MS = 500

export interface HousekeepingParts {
  readonly limits: NodeLimits
  readonly replica: NodeReplica
  readonly kv: KvMachine
  readonly door: EtcdDoor
  readonly space: SpaceGuard
}

/** Until the node stops. */
export function keepHouse({ limits, replica, kv, door, space }: HousekeepingParts): void {
  const { autoCompaction } = limits
  const leads = () => replica.progress.leader === replica.name
  const compaction =
    autoCompaction === null
      ? null
      : new AutoCompaction({ door, store: kv, leads }, autoCompaction, performance.now())
  const timer = setInterval(() => {
    if (!replica.healthy) return clearInterval(timer)
    if (replica.unavailable() !== null) return
    space.look()
    compaction?.tick(performance.now())
  }, LOOK_MS)
  timer.unref()
}
