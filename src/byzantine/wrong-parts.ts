/** Who fetches a state from it gets parts in which a byte is another. */
import type { Behaviour } from './liar.js'

export const wrongParts = (): Behaviour => ({
  part: (part) => {
    const lie = part.slice()
    const at = lie.length >> 1
    lie[at] = (lie[at] ?? 0) ^ 0x55
    return lie
  },
})
