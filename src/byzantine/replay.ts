/** It says what it said before again and again, of views that are over, and of an epoch that never was. */
import type { Behaviour, Flight } from './liar.js'

const KEPT_MAX = 64
const AT_ONCE = 3

export function replay(): Behaviour {
  let said: Flight[] = []
  let next = 0
  return {
    send: (flight, liar) => {
      const { message: m, to } = flight
      if (!('signature' in m)) return [flight]
      const before = said.filter((one) => one.to === to)
      const again = Array.from({ length: Math.min(AT_ONCE, before.length) }, () => {
        return before[next++ % before.length] ?? flight
      })
      if (said.length < KEPT_MAX) said = [...said, flight]
      else if (next % 2 === 0) said = [...said.slice(1), flight]
      const ofNoEpoch = liar.signed({ ...m, epoch: m.epoch + 1 })
      return [flight, flight, ...again, { to, message: ofNoEpoch }]
    },
  }
}
