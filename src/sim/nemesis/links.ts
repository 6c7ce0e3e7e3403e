/** What befalls single links: clogs that open all at once, and connections that break. */
import { nextInt, pick, shuffled } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import type { StrikeKind } from './strike.js'

const CLOG_MS_MAX = 5_000

export const LINKS: readonly StrikeKind[] = [
  {
    kind: 'link-clogged',
    draw: (r, swarm) => {
      // One link, all to or from one node, or every link, each opening at a time of its own.
      const which = pick(r, ['one', 'into', 'out-of', 'all'] as const)
      const order = shuffled(r, indices(swarm.nodes))
      const shares = Array.from({ length: swarm.nodes }, () => nextInt(r, 50, 100))
      return {
        parameters: { which, order, shares },
        durationMs: nextInt(r, 20, pick(r, [200, 1_000, CLOG_MS_MAX])),
        carryOut: (stage, strike) => {
          const ids = stage.ordered(order, strike.target)
          const [first = '', second = ''] = ids
          const links = pairs(ids).filter(([from, to]) => {
            if (which === 'all') return true
            if (which === 'one') return from === first && to === second
            return (which === 'into' ? to : from) === first
          })
          if (links.length === 0) return null
          for (const [i, [from, to]] of links.entries()) {
            const share = shares[i % shares.length] ?? 100
            stage.network.clog(from, to, (strike.durationMs * share) / 100)
          }
          return [...new Set(links.flat())].sort()
        },
      }
    },
  },
  {
    kind: 'link-reset',
    draw: (r, swarm) => {
      const every = nextInt(r, 0, 1) === 1
      const order = shuffled(r, indices(swarm.nodes))
      return {
        parameters: { every, order },
        durationMs: 0,
        carryOut: (stage, strike) => {
          const [first = '', ...others] = stage.ordered(order, strike.target)
          const cut = every ? others : others.slice(0, 1)
          if (cut.length === 0) return null
          for (const other of cut) stage.network.reset(first, other)
          return [first, ...cut]
        },
      }
    },
  },
]

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

function pairs(ids: readonly NodeId[]): (readonly [NodeId, NodeId])[] {
  return ids.flatMap((a) => ids.flatMap((b) => (a === b ? [] : [[a, b] as const])))
}
