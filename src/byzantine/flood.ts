/** It keeps the others busy: every tick as much as they let it, all of it signed and none of it needed. */
import type { Commit, Prepare } from '../consensus/pbft/messages.js'
import type { Behaviour } from './liar.js'

const AT_ONCE = 6

export const flood = (): Behaviour => ({
  tick: (liar) => {
    const { view, lastExecuted, stable, options } = liar.state
    const flights = []
    for (let i = 0; i < AT_ONCE; i++) {
      const index = stable.index + 1 + ((liar.ticks * AT_ONCE + i) % options.windowIndices)
      const slot = { view: view + 1 + i, index, digest: liar.garbage(`${liar.ticks}`) }
      flights.push(...liar.toVictims(liar.says<Prepare>({ type: 'Prepare', ...slot })))
      flights.push(...liar.toVictims(liar.says<Commit>({ type: 'Commit', ...slot })))
      flights.push(...liar.toVictims({ type: 'FetchBatch', index, digest: slot.digest }))
    }
    // As if it knew nothing: whoever helps it sends all that it has.
    const told = { view: 0, active: true, stable: 0, executed: Math.max(0, lastExecuted - 32) }
    return [...flights, ...liar.toVictims({ type: 'Status', ...told })]
  },
})
