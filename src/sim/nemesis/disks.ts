/** What befalls disks while they are used: calls that fail, no room, a stall, sectors that cannot be read. */
import { nextInt, pick, seededRandom } from '../../base/random.js'
import type { Stage, StruckNode } from './stage.js'
import type { Outcome, Strike, StrikeKind } from './strike.js'

/** Calls until the one that fails, at most. */
const CALLS_MAX = 60
/** Room left on a disk that fills up, at most. */
const ROOM_BYTES_MAX = 20_000
/** From the start behind a failed call to a failure of power (ms). */
const POWER_MS_MAX = 300
const STALL_MS_MAX = 10_000

export const DISKS: readonly StrikeKind[] = [
  {
    kind: 'disk-error',
    countsItself: true,
    draw: (r) => {
      const calls = nextInt(r, 1, CALLS_MAX)
      const powerMs = nextInt(r, 0, pick(r, [0, 30, POWER_MS_MAX]))
      return {
        parameters: { calls, powerMs },
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => {
            node.disk.faults.breakAfter(calls)
            stage.lookAfter(node, strike.durationMs, () => {
              // What could be read again was never on the medium: the failed sync had lost it.
              if (powerMs === 0) return
              stage.later(powerMs, () => node.kill('power'))
              stage.restartLater(node, powerMs + 1)
            })
          }),
      }
    },
  },
  {
    kind: 'disk-full',
    countsItself: true,
    draw: (r) => {
      const bytes = nextInt(r, 0, pick(r, [0, 500, ROOM_BYTES_MAX]))
      return {
        parameters: { bytes },
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => {
            node.disk.faults.limit(bytes)
            // It is started while there is no room yet, and again once there is.
            stage.restartLater(node, strike.durationMs / 2)
            stage.later(strike.durationMs, () => {
              node.disk.faults.limit(null)
              if (!node.alive) node.start()
            })
          }),
      }
    },
  },
  {
    kind: 'disk-stalled',
    draw: (r) => {
      const ms = nextInt(r, 50, pick(r, [500, 2_000, STALL_MS_MAX]))
      return {
        parameters: {},
        durationMs: ms,
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => node.disk.faults.stallUntil(stage.world.now + ms)),
      }
    },
  },
  {
    kind: 'read-error',
    draw: (r) => {
      const where = nextInt(r, 0, 0x7fffffff)
      return {
        parameters: { where },
        carryOut: (stage, strike) =>
          one(stage, strike, (node) => {
            const done = node.disk.spoil(seededRandom(where))
            if (done !== null) stage.world.tell(() => `${node.id}: ${done}`)
            // Only a start reads. It fails until the sector can be read again.
            node.kill('process')
            stage.restartLater(node, strike.durationMs / 2)
            stage.later(strike.durationMs, () => {
              node.disk.mend()
              if (!node.alive) node.start()
            })
          }),
      }
    },
  },
]

function one(stage: Stage, strike: Strike, act: (node: StruckNode) => void): Outcome {
  const node = stage.resolve(strike.target)
  if (node === null) return null
  act(node)
  return [node.id]
}
