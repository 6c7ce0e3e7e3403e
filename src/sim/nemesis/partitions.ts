/** Cuts between nodes. One at a time: several on top of each other would leave nothing to be seen. */
import { chance, nextInt, shuffled } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import type { FaultKind } from '../faults.js'
import type { Stage } from './stage.js'
import type { Outcome, Parameter, Strike, StrikeKind } from './strike.js'

/** Directed links, as pairs of who sends and who would receive. */
type Links = readonly (readonly [NodeId, NodeId])[]

interface Shape {
  readonly parameters: { readonly [name: string]: Parameter }
  /** `ids` in the drawn order, the one to strike first. */
  readonly links: (ids: readonly NodeId[]) => Links
}

/** Longest stretch that a flapping partition holds, or is away (ms). */
const FLAP_MS_MAX = 400

export const PARTITIONS: readonly StrikeKind[] = [
  shaped('partition-uniform', (r) => {
    const at = nextInt(r, 0, 0xffff)
    return {
      parameters: { at },
      links: (ids) => {
        const size = 1 + (at % Math.max(1, ids.length - 1))
        return between(ids.slice(0, size), ids.slice(size))
      },
    }
  }),
  shaped('partition-isolate', () => ({
    parameters: {},
    links: (ids) => between(ids.slice(0, 1), ids.slice(1)),
  })),
  // It hears nobody, or nobody hears it.
  shaped('partition-one-way', (r) => {
    const deaf = chance(r, 0.5)
    return {
      parameters: { deaf },
      links: ([first = '', ...others]) =>
        others.map((other) => (deaf ? [other, first] : [first, other])),
    }
  }),
  // Two halves that see each other only through the node between them.
  shaped('partition-bridge', () => ({
    parameters: {},
    links: ([, ...others]) => {
      const at = Math.floor(others.length / 2)
      return between(others.slice(0, at), others.slice(at))
    },
  })),
  // Each sees only its two neighbours.
  shaped(
    'partition-ring',
    () => ({
      parameters: {},
      links: (ids) => {
        const apart = (i: number, j: number) => {
          const steps = Math.abs(i - j)
          return Math.min(steps, ids.length - steps) > 1
        }
        return ids.flatMap((a, i) =>
          ids.flatMap((b, j) => (i !== j && apart(i, j) ? [[a, b] as const] : [])),
        )
      },
    }),
    4,
  ),
  {
    kind: 'partition-flapping',
    draw: (r, swarm) => {
      const order = drawOrder(r, swarm.nodes)
      const awayMs = nextInt(r, 10, FLAP_MS_MAX)
      const backMs = nextInt(r, 10, FLAP_MS_MAX)
      const alone = chance(r, 0.5)
      return {
        parameters: { order, awayMs, backMs, alone },
        carryOut: (stage, strike) => {
          const ids = stage.ordered(order, strike.target)
          const at = alone ? 1 : Math.ceil(ids.length / 2)
          const links = between(ids.slice(0, at), ids.slice(at))
          return flap(stage, strike, links, { awayMs, backMs })
        },
      }
    },
  },
]

function shaped(
  kind: FaultKind,
  draw: (r: Parameters<StrikeKind['draw']>[0]) => Shape,
  nodesMin = 2,
): StrikeKind {
  return {
    kind,
    draw: (r, swarm) => {
      const order = drawOrder(r, swarm.nodes)
      const { parameters, links } = draw(r)
      return {
        parameters: { order, ...parameters },
        carryOut: (stage, strike) => {
          if (stage.nodes.length < nodesMin) return null
          return cut(stage, strike, links(stage.ordered(order, strike.target)))
        },
      }
    },
  }
}

function cut(stage: Stage, strike: Strike, links: Links): Outcome {
  const { network } = stage
  if (links.length === 0 || network.isPartitioned) return null
  for (const [from, to] of links) network.block(from, to)
  stage.later(strike.durationMs, () => network.heal())
  return metBy(links)
}

function flap(
  stage: Stage,
  strike: Strike,
  links: Links,
  { awayMs, backMs }: { readonly awayMs: number; readonly backMs: number },
): Outcome {
  const { network, world } = stage
  if (links.length === 0 || network.isPartitioned) return null
  const end = world.now + strike.durationMs
  const away = () => {
    // Another cut has begun while this one was back.
    if (world.now >= end || network.isPartitioned) return
    for (const [from, to] of links) network.block(from, to)
    stage.later(Math.min(awayMs, end - world.now), () => {
      network.heal()
      stage.later(backMs, away)
    })
  }
  away()
  return metBy(links)
}

function between(some: readonly NodeId[], others: readonly NodeId[]): Links {
  return some.flatMap((a) => others.flatMap((b) => [[a, b] as const, [b, a] as const]))
}

function metBy(links: Links): NodeId[] {
  return [...new Set(links.flat())].sort()
}

function drawOrder(r: Parameters<StrikeKind['draw']>[0], nodes: number): number[] {
  return shuffled(
    r,
    Array.from({ length: nodes }, (_, i) => i),
  )
}
