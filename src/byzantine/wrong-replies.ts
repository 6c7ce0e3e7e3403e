/** It does all that it should, and tells clients something else. */
import type { Behaviour } from './liar.js'

export const wrongReplies = (): Behaviour => ({
  answer: (answer) => {
    const lie = answer.slice()
    const last = lie.length - 1
    lie[last] = (lie[last] ?? 0) ^ 1
    return lie
  },
})
