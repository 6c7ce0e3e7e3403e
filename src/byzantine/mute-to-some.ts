/** It is honest to some and silent to the others, so that they do not see the same. */
import type { Behaviour } from './liar.js'

export const muteToSome = (): Behaviour => ({
  send: (flight, liar) => (liar.isOther(flight.to) ? [] : [flight]),
})
