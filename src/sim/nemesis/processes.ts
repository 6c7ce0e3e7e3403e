/** What befalls processes: deaths of every kind, and sleep. */
import { chance, nextInt, pick } from '../../base/random.js'
import type { Operation } from '../../wal/memory-file-system.js'
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
/** Calls of the disk at which a process dies: between a write and its sync, at a rename, in the middle of a removal. */
const CALLS: readonly Operation[] = [
  'write',
  'datasync',
  'create',
  'rename',
  'unlink',
  'syncDirectory',
]
const CALLS_MAX = 6
/** Those of a segment or a snapshot that comes or goes. */
const RARE: ReadonlySet<Operation> = new Set(['create', 'rename', 'unlink'])
const RARE_CALLS_MAX = 3
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
    kind: 'crash-at-disk-call',
    countsItself: true,
    draw: (r) => {
      const operation = pick(r, CALLS)
      const nth = nextInt(r, 1, RARE.has(operation) ? RARE_CALLS_MAX : CALLS_MAX)
      const msMax = pick(r, [0, 0, 0.1, 5])
      const how: CrashKind = chance(r, 0.7) ? 'power' : 'process'
      const relapseMs = nextInt(r, 0, pick(r, [1, 20, LOOP_LIFE_MS_MAX]))
      return {
        parameters: { operation, nth, msMax, how, relapseMs },
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => {
            node.killAtDiskCall(operation, { nth, msMax, how })
            stage.lookAfter(node, strike.durationMs, () => relapse(stage, node, relapseMs))
          }),
      }
    },
  },
  {
    kind: 'crash-loop',
    draw: (r) => {
      const deaths = nextInt(r, 2, LOOP_DEATHS_MAX)
      // A process that dies leaves in the cache what the next failure of power takes.
      const power = Array.from({ length: deaths + 1 }, () => (chance(r, 0.5) ? 1 : 0))
      // Some die before their recovery is over, some while they catch up.
      const lifeMs = Array.from({ length: deaths }, () =>
        nextInt(r, 0, pick(r, [1, 20, LOOP_LIFE_MS_MAX])),
      )
      const awayMs = nextInt(r, 1, LOOP_AWAY_MS_MAX)
      return {
        parameters: { power, lifeMs, awayMs },
        durationMs: 0,
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => dieAgain(stage, node, { power, lifeMs, awayMs })),
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

/** Hardly up again, the power fails: what the last life left in the cache is gone. */
function relapse(stage: Stage, node: StruckNode, lifeMs: number): void {
  if (lifeMs === 0) return
  stage.later(lifeMs, () => {
    node.kill('power')
    stage.restartLater(node, 1)
  })
}

/** Dies, comes back, and dies again, once for each life that it was given. */
function dieAgain(
  stage: Stage,
  node: StruckNode,
  loop: {
    readonly power: readonly number[]
    readonly lifeMs: readonly number[]
    readonly awayMs: number
  },
): void {
  const next = (round: number): void => {
    node.kill(loop.power[round] === 1 ? 'power' : 'process')
    stage.later(loop.awayMs, () => {
      if (!node.alive) node.start()
      const ms = loop.lifeMs[round]
      if (ms !== undefined) stage.later(ms, () => next(round + 1))
    })
  }
  next(0)
}
