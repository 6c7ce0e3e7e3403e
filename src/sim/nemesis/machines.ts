/** What makes nodes slow, and what makes them hand over. */
import { nextInt } from '../../base/random.js'
import type { FaultKind } from '../faults.js'
import type { StrikeKind } from './strike.js'

const SLOW_DISK_MS = { min: 20, max: 600 } as const
const SLOW_MACHINE_MS = { min: 1, max: 60 } as const

export const MACHINES: readonly StrikeKind[] = [
  slow('slow-disk', 'slowDiskMs', SLOW_DISK_MS),
  slow('slow-machine', 'slowMachineMs', SLOW_MACHINE_MS),
  {
    kind: 'leadership-transferred',
    draw: (r) => {
      const to = nextInt(r, 0, 0xffff)
      return {
        parameters: { to },
        durationMs: 0,
        carryOut: (stage, strike) => {
          const leader = stage.leader(strike.target.nth)
          const others = stage.ids.filter((id) => id !== leader?.id)
          const heir = others[to % others.length]
          if (leader === null || heir === undefined) return null
          leader.transferLeadership(heir)
          return [leader.id, heir]
        },
      }
    },
  },
]

/** All nodes at once, one such disturbance at a time. */
function slow(
  kind: FaultKind,
  what: 'slowDiskMs' | 'slowMachineMs',
  range: { readonly min: number; readonly max: number },
): StrikeKind {
  return {
    kind,
    draw: (r) => {
      const ms = nextInt(r, range.min, range.max)
      return {
        parameters: { ms },
        carryOut: (stage, strike) => {
          const { disturbance } = stage
          if (disturbance[what] > 0) return null
          disturbance[what] = ms
          stage.later(strike.durationMs, () => {
            disturbance[what] = 0
          })
          return stage.ids
        },
      }
    },
  }
}
