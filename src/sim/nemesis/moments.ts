/** Strikes around turning points: of an election, of a leadership, of a snapshot. */
import { nextInt, pick } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import { MOMENTS } from '../node/moments.js'
import type { Stage, StruckNode } from './stage.js'
import type { StrikeKind } from './strike.js'

/** How long the moment is waited for (ms). */
const PATIENCE_MS = 5_000
/** From the moment to the strike: at once, between write and sync, or when the first messages have arrived (ms). */
const DELAYS_MS = [0, 0, 1, 5, 30] as const
/** How long a deposed leader does not know it, in election timeouts. */
const SLEEP_TIMEOUTS = { min: 2, max: 5 } as const
const ALONE_TIMEOUTS = { min: 1, max: 4 } as const

const ACTS = ['process', 'power', 'pause', 'isolate', 'clog'] as const

export const AT_MOMENTS: readonly StrikeKind[] = [
  {
    kind: 'at-a-moment',
    countsItself: true,
    draw: (r) => {
      const moment = pick(r, MOMENTS)
      const act = pick(r, ACTS)
      const delayMs = pick(r, DELAYS_MS)
      return {
        parameters: { moment, act, delayMs },
        carryOut: (stage, strike) => {
          // Whoever comes to it first.
          const nodes = stage.nodes.filter(({ alive }) => alive)
          if (nodes.length === 0) return null
          const over = () => {
            for (const node of nodes) node.expect(null)
          }
          for (const node of nodes)
            node.expect({
              moment,
              come: () => {
                over()
                stage.later(delayMs, () => {
                  if (!node.alive) return
                  stage.counts.add('at-a-moment')
                  stage.world.tell(() => `nemesis: #${strike.ordinal} meets ${node.id}: ${act}`)
                  carryOut[act](stage, node, strike.durationMs)
                })
              },
            })
          stage.later(PATIENCE_MS, over)
          return nodes.map(({ id }) => id)
        },
      }
    },
  },
  // Deposed in its sleep, it wakes cut off from all who know, and its clients reach it.
  {
    kind: 'leader-left-behind',
    draw: (r, swarm) => {
      const timeoutMs = swarm.electionTicks * swarm.tickMs
      const sleepMs = timeoutMs * nextInt(r, SLEEP_TIMEOUTS.min, SLEEP_TIMEOUTS.max)
      const aloneMs = timeoutMs * nextInt(r, ALONE_TIMEOUTS.min, ALONE_TIMEOUTS.max)
      const friends = nextInt(r, 0, Math.floor((swarm.nodes - 1) / 2))
      return {
        parameters: { sleepMs, friends },
        durationMs: sleepMs + aloneMs,
        carryOut: (stage, strike) => {
          const leader = stage.leader(strike.target.nth)
          if (leader === null || stage.network.isPartitioned) return null
          const others = stage.ids.filter((id) => id !== leader.id)
          if (others.length === 0) return null
          // A minority stays with it, so that some answer it still.
          const side = [leader.id, ...others.slice(0, friends)]
          const rest = others.slice(friends)
          separate(stage, side, rest, strike.durationMs)
          const asleep = stage.nodes.filter(({ id }) => side.includes(id))
          for (const node of asleep) node.pause()
          stage.later(sleepMs, () => {
            for (const node of asleep) node.resume()
          })
          return side
        },
      }
    },
  },
]

const carryOut: {
  readonly [act in (typeof ACTS)[number]]: (stage: Stage, node: StruckNode, ms: number) => void
} = {
  process: (stage, node, ms) => {
    node.kill('process')
    stage.restartLater(node, ms)
  },
  power: (stage, node, ms) => {
    node.kill('power')
    stage.restartLater(node, ms)
  },
  pause: (stage, node, ms) => {
    node.pause()
    stage.later(ms, () => node.resume())
  },
  isolate: (stage, node, ms) => {
    const others = stage.ids.filter((id) => id !== node.id)
    if (!stage.network.isPartitioned) separate(stage, [node.id], others, ms)
  },
  clog: (stage, node, ms) => {
    for (const id of stage.ids) if (id !== node.id) stage.network.clog(node.id, id, ms)
  },
}

function separate(
  stage: Stage,
  side: readonly NodeId[],
  rest: readonly NodeId[],
  ms: number,
): void {
  const { network } = stage
  for (const a of side)
    for (const b of rest) {
      network.block(a, b)
      network.block(b, a)
    }
  stage.later(ms, () => network.heal())
}
