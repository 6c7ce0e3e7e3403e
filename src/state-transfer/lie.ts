/** What a source tells that lies on purpose: for the simulator, and for a real node that is told to. */
import { nextInt, type RandomState } from '../base/random.js'

/** Null: it says nothing. */
export type PartLie = (
  part: Uint8Array | null,
  random: RandomState,
) => { readonly part: Uint8Array | null } | null

/** Each of the ways in which a part can be wrong, one drawn for each answer. */
export const lieAboutParts: PartLie = (part, random) => {
  const at = nextInt(random, 0, Math.max(0, (part?.length ?? 0) - 1))
  switch (nextInt(random, 0, 5)) {
    case 0:
      return null
    case 1:
      return { part: null }
    case 2:
      return { part: part?.subarray(0, at) ?? null }
    case 3:
      return { part: new Uint8Array(part?.length ?? 1) }
    default:
      // One bit is enough, and the hardest to see.
      return { part: part?.with(at, (part[at] ?? 0) ^ (1 << nextInt(random, 0, 7))) ?? null }
  }
}
