/** Damage to what disks hold, where the atlas says that it may be. */
import { chance, nextInt, type RandomState, seededRandom } from '../../base/random.js'
import type { Corruption } from '../disk/corruption.js'
import type { FaultKind } from '../faults.js'
import type { Stage, StruckNode } from './stage.js'
import type { Outcome, Strike, StrikeKind } from './strike.js'

/** How often the node dies at once, and so finds the damage soon. */
const KILL_CHANCE = 0.7

export const CORRUPTIONS: readonly StrikeKind[] = [
  logDamage('bit-rot'),
  logDamage('stale-sector'),
  logDamage('misdirected-write'),
  damaging('snapshot-rot', (node, stage, random) => node.disk.corruptSnapshot(stage.atlas, random)),
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
