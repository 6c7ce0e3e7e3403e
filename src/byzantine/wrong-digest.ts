/** Its proposals carry a digest that is not their batch's, and it votes for batches that nobody has. */
import { type Behaviour, instead } from './liar.js'

export const wrongDigest = (): Behaviour => ({
  send: (flight, liar) => {
    const { message: m, to } = flight
    const digest = liar.garbage(to)
    switch (m.type) {
      case 'PrePrepare': {
        if (m.proposed.sender !== liar.id) return [flight]
        const half = m.proposed.index % 2 === 0
        // To half another batch under the digest of the true one, which the votes of all then are for.
        if (m.batch !== null && liar.isOther(to))
          return instead(flight, { ...m, batch: { ...m.batch, time: m.batch.time + 1 } })
        return half
          ? [flight]
          : instead(flight, { ...m, proposed: liar.signed({ ...m.proposed, digest }) })
      }
      case 'Prepare':
      case 'Commit':
        return instead(flight, liar.signed({ ...m, digest }))
      default:
        return [flight]
    }
  },
})
