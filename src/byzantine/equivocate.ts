/**
 * As primary it gives one index two batches, each to half of its victims, and in every phase it votes for the one that
 * the listener knows. f+1 of them, who do so together, split the honest.
 */
import type { Batch, Digest, Message } from '../consensus/pbft/messages.js'
import { type Behaviour, instead, type Liar } from './liar.js'

export const equivocate = (): Behaviour => ({
  send: (flight, liar) =>
    liar.isOther(flight.to) ? instead(flight, otherStory(flight.message, liar)) : [flight],
})

function otherStory(m: Message, liar: Liar): Message {
  switch (m.type) {
    case 'PrePrepare': {
      if (m.batch === null || m.proposed.sender !== liar.id) return m
      const batch = twin(m.batch)
      const proposed = liar.signed({ ...m.proposed, digest: liar.digestOf(batch) })
      return { ...m, batch, proposed }
    }
    case 'Prepare':
    case 'Commit': {
      const digest = twinOf(m, liar)
      return digest === null ? m : liar.signed({ ...m, digest })
    }
    default:
      return m
  }
}

function twin(batch: Batch): Batch {
  return { ...batch, time: batch.time + 1 }
}

function twinOf(m: { readonly index: number; readonly digest: Digest }, liar: Liar): Digest | null {
  const batch = liar.state.slots.get(m.index)?.batches.get(m.digest)
  return batch == null ? null : liar.digestOf(twin(batch))
}
