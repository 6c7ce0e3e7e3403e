/** Damage to what disks hold, where the atlas says that it may be; and disks that are exchanged behind a node's back. */
import { chance, nextInt, type RandomState, seededRandom } from '../../base/random.js'
import type { Corruption } from '../disk/corruption.js'
import type { FaultKind } from '../faults.js'
import type { Stage, StruckNode } from './stage.js'
import type { Outcome, Strike, StrikeKind } from './strike.js'

/** How often the node dies at once, and so finds the damage soon. */
const KILL_CHANCE = 0.7
/** Between the backup and its return. */
const BACKUP_MS_MAX = 5_000

export const CORRUPTIONS: readonly StrikeKind[] = [
  logDamage('bit-rot'),
  logDamage('stale-sector'),
  logDamage('misdirected-write'),
  damaging('snapshot-rot', (node, stage, random) => node.disk.corruptSnapshot(stage.atlas, random)),
  {
    kind: 'disk-wiped',
    draw: () => ({
      parameters: {},
      carryOut: (stage, strike) => {
        const node = stage.resolve(strike.target)
        if (node === null) return null
        node.kill('power')
        node.disk.wipe()
        stage.restartLater(node, strike.durationMs)
        return [node.id]
      },
    }),
  },
  {
    kind: 'backup-restored',
    draw: (r) => {
      const ageMs = nextInt(r, 10, BACKUP_MS_MAX)
      return {
        parameters: { ageMs },
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          if (node === null) return null
          const image = node.disk.image()
          stage.later(ageMs, () => {
            node.kill('power')
            node.disk.restoreImage(image)
            stage.restartLater(node, strike.durationMs)
          })
          return [node.id]
        },
      }
    },
  },
]

function logDamage(how: Corruption): StrikeKind {
  return damaging(how, (node, stage, random) => node.disk.corrupt(how, stage.atlas, random))
}

/** The first of the nodes, from the one that is meant, that has something that may be damaged; alive or not. */
function damaging(
  kind: FaultKind,
  damage: (node: StruckNode, stage: Stage, random: RandomState) => string | null,
): StrikeKind {
  return {
    kind,
    draw: (r) => {
      const where = nextInt(r, 0, 0x7fffffff)
      const kills = chance(r, KILL_CHANCE)
      return {
        parameters: { where, kills },
        carryOut: (stage, strike) => {
          for (const node of stage.from(strike.target)) {
            const done = damage(node, stage, seededRandom(where))
            if (done === null) continue
            stage.world.tell(() => `${node.id}: ${done}`)
            return struck(stage, strike, node, kills)
          }
          return null
        },
      }
    },
  }
}

function struck(stage: Stage, strike: Strike, node: StruckNode, kills: boolean): Outcome {
  if (kills) {
    node.kill('process')
    stage.restartLater(node, strike.durationMs)
  }
  return [node.id]
}
