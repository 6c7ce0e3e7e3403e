/** What befalls clocks. What may befall a monotonic one, that is: `node/clock.ts` says why nothing goes back. */
import { chance, nextInt, pick } from '../../base/random.js'
import type { FaultKind } from '../faults.js'
import type { StruckNode } from './stage.js'
import type { StrikeKind } from './strike.js'

const LEAP_MS = [50, 2_000, 60_000, 3_600_000] as const
/** Thousandths: from half as fast to twice as fast. */
const DRIFTS = [-500, -100, 100, 1_000] as const
/** A new process begins somewhere here. */
const START_MS_MAX = 1_000_000

export const CLOCKS: readonly StrikeKind[] = [
  {
    kind: 'clock-leapt',
    draw: (r) => {
      const ms = nextInt(r, 1, pick(r, LEAP_MS))
      return {
        parameters: { ms },
        durationMs: 0,
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          node?.clock.leap(ms)
          return node === null ? null : [node.id]
        },
      }
    },
  },
  lasting('clock-frozen', () => ({
    begin: (node) => node.clock.freeze(),
    end: (node) => node.clock.thaw(),
  })),
  // Process and clock stand still together, as in a virtual machine that is suspended.
  lasting('suspended', () => ({
    begin: (node) => {
      node.pause()
      node.clock.freeze()
    },
    end: (node) => {
      node.clock.thaw()
      node.resume()
    },
  })),
  {
    kind: 'clock-drifted',
    draw: (r) => {
      const drift = pick(r, DRIFTS)
      return {
        parameters: { drift },
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          if (node === null) return null
          node.clock.drift(drift)
          stage.later(strike.durationMs, () => node.clock.drift(null))
          return [node.id]
        },
      }
    },
  },
  {
    kind: 'clock-restarted',
    draw: (r) => {
      const startMs = chance(r, 0.5) ? 0 : nextInt(r, 0, START_MS_MAX)
      const how = chance(r, 0.5) ? 'power' : 'process'
      return {
        parameters: { startMs, how },
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          if (node === null) return null
          node.kill(how)
          node.clock.restart(startMs)
          stage.restartLater(node, strike.durationMs)
          return [node.id]
        },
      }
    },
  },
]

function lasting(
  kind: FaultKind,
  draw: () => { begin: (node: StruckNode) => void; end: (node: StruckNode) => void },
): StrikeKind {
  return {
    kind,
    draw: () => {
      const { begin, end } = draw()
      return {
        parameters: {},
        carryOut: (stage, strike) => {
          const node = stage.resolve(strike.target)
          if (node === null) return null
          begin(node)
          stage.later(strike.durationMs, () => end(node))
          return [node.id]
        },
      }
    },
  }
}
