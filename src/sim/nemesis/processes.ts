/** What befalls processes: deaths of every kind, and sleep. */
import { chance, nextInt, pick } from '../../base/random.js'
import type { CrashKind } from '../disk.js'
import type { FaultKind } from '../faults.js'
import type { Stage, StruckNode } from './stage.js'
import type { Outcome, Strike, StrikeKind } from './strike.js'

/** Effects until the one at which a node dies, at most. */
const EFFECTS_MAX = 40
/** Deaths of one crash loop. */
const LOOP_DEATHS_MAX = 6
/** How long a looping node lives, and is away, each time (ms). */
const LOOP_LIFE_MS_MAX = 250
const LOOP_AWAY_MS_MAX = 100
/** The longest sleep, and how rare such are. */
const SLEEP_MS_MAX = 30_000
const LONG_SLEEP_CHANCE = 0.1

export const PROCESSES: readonly StrikeKind[] = [
  death('process-killed', 'process'),
  death('power-lost', 'power'),
  {
    kind: 'power-lost-everywhere',
    draw: () => ({
      parameters: {},
      carryOut: (stage, strike) => {
        const living = stage.nodes.filter((node) => node.alive)
        for (const node of living) die(stage, strike, node, 'power')
        return living.map((node) => node.id)
      },
    }),
  },
  {
    kind: 'crash-at-effect',
    countsItself: true,
    draw: (r) => {
      const how: CrashKind = chance(r, 0.5) ? 'power' : 'process'
      const effects = nextInt(r, 1, EFFECTS_MAX)
      return {
        parameters: { how, effects },
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => {
            node.killAtEffect(effects, how)
            stage.lookAfter(node, strike.durationMs)
          }),
      }
    },
  },
  {
    kind: 'crash-loop',
    draw: (r) => {
      const how: CrashKind = chance(r, 0.5) ? 'power' : 'process'
      const deaths = nextInt(r, 2, LOOP_DEATHS_MAX)
      // Some die before their recovery is over, some while they catch up.
      const lifeMs = Array.from({ length: deaths }, () =>
        nextInt(r, 0, pick(r, [1, 20, LOOP_LIFE_MS_MAX])),
      )
      const awayMs = nextInt(r, 1, LOOP_AWAY_MS_MAX)
      return {
        parameters: { how, lifeMs, awayMs },
        durationMs: 0,
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => loop(stage, node, { how, lifeMs, awayMs })),
      }
    },
  },
  {
    kind: 'paused',
    draw: (r, swarm) => {
      const long = chance(r, LONG_SLEEP_CHANCE)
      return {
        parameters: {},
        durationMs: nextInt(r, 20, long ? SLEEP_MS_MAX : swarm.outageMsMax),
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => {
            node.pause()
            stage.later(strike.durationMs, () => node.resume())
          }),
      }
    },
  },
]

function death(kind: FaultKind, how: CrashKind): StrikeKind {
  return {
    kind,
    draw: () => ({
      parameters: {},
      carryOut: (stage, strike) => one(stage, strike, (node) => die(stage, strike, node, how)),
    }),
  }
}

function one(stage: Stage, strike: Strike, act: (node: StruckNode) => void): Outcome {
  const node = stage.resolve(strike.target)
  if (node === null) return null
  act(node)
  return [node.id]
}

function die(stage: Stage, strike: Strike, node: StruckNode, how: CrashKind): void {
  node.kill(how)
  stage.restartLater(node, strike.durationMs)
}

/** Dies, comes back, and dies again, once for each life that it was given. */
function loop(
  stage: Stage,
  node: StruckNode,
  { how, lifeMs, awayMs }: { how: CrashKind; lifeMs: readonly number[]; awayMs: number },
): void {
  const next = (round: number): void => {
    node.kill(how)
    stage.later(awayMs, () => {
      if (!node.alive) node.start()
      const ms = lifeMs[round]
      if (ms !== undefined) stage.later(ms, () => next(round + 1))
    })
  }
  next(0)
}
