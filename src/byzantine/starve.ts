/** As primary it serves everybody but some clients, whom it never gives an index (Aardvark, 2009 §4: fairness). */
import { type Behaviour, instead } from './liar.js'

export const starve = (): Behaviour => ({
  send: (flight, liar) => {
    const { message: m } = flight
    if (m.type !== 'PrePrepare' || m.batch === null || m.proposed.sender !== liar.id)
      return [flight]
    const requests = m.batch.requests.filter(({ session }) => session === 0 || session % 2 === 0)
    if (requests.length === m.batch.requests.length) return [flight]
    const batch = { ...m.batch, requests }
    const proposed = liar.signed({ ...m.proposed, digest: liar.digestOf(batch) })
    return instead(flight, { ...m, batch, proposed })
  },
})
