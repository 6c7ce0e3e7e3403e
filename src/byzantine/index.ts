/** Every kind of liar, by name. */
import { amnesia } from './amnesia.js'
import { equivocate } from './equivocate.js'
import { farFuture } from './far-future.js'
import { flood } from './flood.js'
import { forgedVotes } from './forged-votes.js'
import { garbageCheckpoints } from './garbage-checkpoints.js'
import type { Behaviour } from './liar.js'
import { lyingNewView } from './lying-new-view.js'
import { lyingViewChange } from './lying-view-change.js'
import { muteToSome } from './mute-to-some.js'
import { replay } from './replay.js'
import { silent } from './silent.js'
import { slow } from './slow.js'
import { starve } from './starve.js'
import { wrongDigest } from './wrong-digest.js'
import { wrongParts } from './wrong-parts.js'
import { wrongReplies } from './wrong-replies.js'

export { type Behaviour, Liar, lying } from './liar.js'

export const LIARS = {
  silent,
  'mute-to-some': muteToSome,
  slow,
  starve,
  equivocate,
  'wrong-digest': wrongDigest,
  'forged-votes': forgedVotes,
  'lying-view-change': lyingViewChange,
  'lying-new-view': lyingNewView,
  replay,
  'far-future': farFuture,
  'garbage-checkpoints': garbageCheckpoints,
  'wrong-parts': wrongParts,
  'wrong-replies': wrongReplies,
  amnesia,
  flood,
} as const satisfies { readonly [name: string]: () => Behaviour }

export type LiarKind = keyof typeof LIARS

export function isLiarKind(name: string): name is LiarKind {
  return Object.hasOwn(LIARS, name)
}
