/** Its proposals carry a digest that is not their batch's, and it votes for batches that nobody has. */
import { type Behaviour, instead } from './liar.js'

export const wrongDigest = (): Behaviour => ({
  send: (flight, liar) => {
    const { message: m, to } = flight
    const digest = liar.garbage(to)
    switch (m.type) {
      case 'PrePrepare':
        if (m.proposed.sender !== liar.id) return [flight]
        return instead(flight, { ...m, proposed: liar.signed({ ...m.proposed, digest }) })
      case 'Prepare':
      case 'Commit':
        return instead(flight, liar.signed({ ...m, digest }))
      default:
        return [flight]
    }
  },
})
