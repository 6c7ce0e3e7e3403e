/** Disks that are exchanged behind a node's back: it must not take part, and its own disk comes back later. */
import { nextInt, pick } from '../../base/random.js'
import type { Backup } from '../node/foreign-disk.js'
import type { Stage, StruckNode } from './stage.js'
import type { StrikeKind } from './strike.js'

/** From the copy to a start behind it, and from there to the day when the copy is put back (ms). */
const RESTART_MS_MAX = 500
const BACKUP_MS_MAX = 3_000

export const IDENTITIES: readonly StrikeKind[] = [
  {
    kind: 'disk-wiped',
    draw: () => ({
      parameters: {},
      carryOut: (stage, strike) => {
        const node = stage.resolve(strike.target)
        // Alone it is a new cluster, and nobody knows better.
        if (node === null || stage.nodes.length === 1 || node.hasForeignDisk) return null
        exchange(stage, node, null, strike.durationMs)
        return [node.id]
      },
    }),
  },
  {
    kind: 'backup-restored',
    countsItself: true,
    draw: (r) => {
      // 0: it does not start again, and what is put back is a copy of the life that ran last.
      const restartMs = nextInt(r, 0, pick(r, [0, RESTART_MS_MAX, RESTART_MS_MAX]))
      const ageMs = nextInt(r, 100, BACKUP_MS_MAX)
      return {
        parameters: { restartMs, ageMs },
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          if (node === null || stage.nodes.length === 1 || node.hasForeignDisk) return null
          const backup = node.backup()
          if (restartMs > 0) {
            node.kill('process')
            stage.restartLater(node, restartMs)
          }
          stage.later(restartMs + ageMs, () => restore(stage, node, backup, strike.durationMs))
          return [node.id]
        },
      }
    },
  },
]

/**
 * Only where it has to be refused: so many peers met a later life that the others, with the copy, decide nothing. Else
 * nothing can tell it from the node that it was, and what it forgot is forgotten: hopeless, and counted as that.
 */
function restore(stage: Stage, node: StruckNode, backup: Backup, ms: number): void {
  if (node.hasForeignDisk) return
  const { life } = backup.identity
  const peers = stage.nodes.filter((peer) => peer !== node)
  const unaware = peers.filter((peer) => !peer.identity.sawLater(node.id, life))
  if (unaware.length + 1 >= stage.quorum(stage.nodes.length)) {
    stage.noted('old-copy-hopeless')
    return
  }
  stage.counts.add('backup-restored')
  stage.world.tell(() => `nemesis: ${node.id} runs on an old copy of its disk`)
  exchange(stage, node, backup, ms)
}

function exchange(stage: Stage, node: StruckNode, copy: Backup | null, ms: number): void {
  node.exchangeDisk(copy)
  node.start()
  stage.later(ms, () => {
    node.putDiskBack()
    if (!node.alive) node.start()
  })
}
