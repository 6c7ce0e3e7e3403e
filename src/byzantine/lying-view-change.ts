/** It leaves a view and shows nothing of what it prepared, or an h that it cannot prove. */
import type { ViewChange } from '../consensus/pbft/messages.js'
import { type Behaviour, instead, type Liar } from './liar.js'

export const lyingViewChange = (): Behaviour => ({
  send: (flight, liar) => {
    const { message: m } = flight
    if (m.type !== 'ViewChange' || m.sender !== liar.id) return [flight]
    return instead(flight, liar.signed({ ...m, ...lie(m, liar) }))
  },
})

function lie(m: ViewChange, liar: Liar): Partial<ViewChange> {
  switch (m.view % 3) {
    case 0:
      return { stable: m.stable + liar.state.options.checkpointInterval }
    case 1:
      return { stable: 0, checkpoints: [], prepared: [] }
    default:
      return { prepared: [] }
  }
}
