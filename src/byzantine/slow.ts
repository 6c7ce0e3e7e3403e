/**
 * It does all that it should, just before the others would lose patience (Aardvark, Clement et al. 2009 §4): a primary
 * that throttles everybody and is never replaced.
 */
import type { Behaviour, Flight } from './liar.js'

/** Of the patience of the others. */
const SHARE = 0.6

export function slow(): Behaviour {
  let held: { readonly due: number; readonly flight: Flight }[] = []
  return {
    send: (flight, liar) => {
      const { type } = flight.message
      if (type !== 'PrePrepare' && type !== 'NewView') return [flight]
      const due = liar.ticks + Math.floor(SHARE * liar.state.options.requestTicks)
      held.push({ due, flight })
      return []
    },
    tick: (liar) => {
      const due = held.filter((one) => one.due <= liar.ticks).map(({ flight }) => flight)
      if (due.length > 0) held = held.filter((one) => one.due > liar.ticks)
      return due
    },
  }
}
