/**
 * As primary of a new view it gives others than follow from what it was shown: nothing in the place of what was
 * prepared, the older of two certificates, or its own view change Q times, which shows nothing.
 */

import type { NewView, Proposed } from '../consensus/pbft/messages.js'
import { consequenceOf } from '../consensus/pbft/new-view.js'
import type { Behaviour, Flight, Liar } from './liar.js'

export function lyingNewView(): Behaviour {
  let lies = 0
  return {
    send: (flight, liar) => {
      const { message: m, to } = flight
      if (m.type !== 'NewView' || m.sender !== liar.id) return [flight]
      // Every victim hears of the same lie.
      lies = Math.max(lies, m.view)
      return [{ to, message: liar.signed({ ...m, ...LIES[lies % LIES.length]?.(m, liar) }) }]
    },
    // Until somebody doubts it, it asks for its own view.
    tick: (liar) => hurried(liar),
  }
}

type Lie = (m: NewView, liar: Liar) => Partial<NewView>

const LIES: readonly Lie[] = [
  (m, liar) => ({ proposals: m.proposals.map((one) => nothing(one, liar)) }),
  (m, liar) => {
    const own = m.viewChanges.find(({ sender }) => sender === liar.id)
    if (own === undefined) return { proposals: [] }
    const bare = liar.signed({ ...own, stable: 0, checkpoints: [], prepared: [] })
    return { viewChanges: m.viewChanges.map(() => bare), proposals: [] }
  },
  (m, liar) => ({ proposals: ofLowestView(m, liar) }),
  () => ({ proposals: [] }),
]

function nothing(proposed: Proposed, liar: Liar): Proposed {
  return liar.signed({ ...proposed, digest: liar.digestOf(null) })
}

/** What would follow if the oldest certificate of each index held. */
function ofLowestView(m: NewView, liar: Liar): Proposed[] {
  const lowest = new Map<number, Proposed>()
  for (const { prepared } of m.viewChanges)
    for (const { proposed } of prepared) {
      const known = lowest.get(proposed.index)
      if (known === undefined || proposed.view < known.view) lowest.set(proposed.index, proposed)
    }
  const { from } = consequenceOf(m.viewChanges, liar.digestOf(null))
  return m.proposals.map((one, i) => {
    const digest = lowest.get(from + 1 + i)?.digest ?? one.digest
    return liar.signed({ ...one, digest })
  })
}

const HURRY_TICKS = 60

/** A view change to the next view that is its own: it takes f more to draw anybody there. */
function hurried(liar: Liar): Flight[] {
  const { view, replicas, stable, viewChange } = liar.state
  if (liar.ticks % HURRY_TICKS !== 0) return []
  const ours = replicas.indexOf(liar.id)
  let next = view + 1
  while (next % replicas.length !== ours) next++
  if ((viewChange?.view ?? 0) >= next) return []
  const { index, checkpoints } = stable
  const body = { type: 'ViewChange', view: next, stable: index, checkpoints, prepared: [] } as const
  return liar.toVictims(liar.says(body))
}
