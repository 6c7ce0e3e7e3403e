/** It votes on indices and asks for views that nobody will see. */
import { type Behaviour, type Flight, instead } from './liar.js'

const FAR_INDEX = 1_000_000
const FAR_VIEW = 10_000

export const farFuture = (): Behaviour => ({
  send: (flight, liar): readonly Flight[] => {
    const { message: m } = flight
    switch (m.type) {
      case 'Prepare':
      case 'Commit':
        return [flight, ...instead(flight, liar.signed({ ...m, index: m.index + FAR_INDEX }))]
      case 'Checkpoint': {
        // Where checkpoints are taken, so that only its being far speaks against it.
        const { checkpointInterval } = liar.state.options
        const index = m.index + FAR_INDEX * checkpointInterval
        return [flight, ...instead(flight, liar.signed({ ...m, index }))]
      }
      case 'ViewChange':
        if (m.sender !== liar.id) return [flight]
        return [flight, ...instead(flight, liar.signed({ ...m, view: m.view + FAR_VIEW }))]
      default:
        return [flight]
    }
  },
})
