/** What befalls disks. */
import { nextInt } from '../../base/random.js'
import type { StrikeKind } from './strike.js'

/** Calls until the one that fails, at most. */
const CALLS_MAX = 60

export const DISKS: readonly StrikeKind[] = [
  {
    kind: 'disk-error',
    countsItself: true,
    draw: (r) => {
      const calls = nextInt(r, 1, CALLS_MAX)
      return {
        parameters: { calls },
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          if (node === null) return null
          node.breakDiskAfter(calls)
          stage.lookAfter(node, strike.durationMs)
          return [node.id]
        },
      }
    },
  },
]
