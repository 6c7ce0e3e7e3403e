/** Nodes that the clients cannot reach, or hear nothing from, while the nodes see each other. */
import { nextInt, pick, shuffled } from '../../base/random.js'
import type { StrikeKind } from './strike.js'

const CUTS = ['requests', 'replies', 'both'] as const

export const CLIENTS: readonly StrikeKind[] = [
  {
    kind: 'client-partition',
    draw: (r, swarm) => {
      const cut = pick(r, CUTS)
      const order = shuffled(
        r,
        Array.from({ length: swarm.nodes }, (_, i) => i),
      )
      const count = nextInt(r, 1, swarm.nodes)
      return {
        parameters: { cut, order, count },
        carryOut: (stage, strike) => {
          const ids = stage.ordered(order, strike.target).slice(0, count)
          const nodes = stage.nodes.filter(({ id }) => ids.includes(id))
          for (const node of nodes) node.cutClients(cut)
          stage.later(strike.durationMs, () => {
            for (const node of nodes) node.cutClients('none')
          })
          return nodes.map(({ id }) => id)
        },
      }
    },
  },
]
