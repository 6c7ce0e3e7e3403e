import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/quorum.ts',
  find: 'return Math.floor(voters.length / 2) + 1',
  replace: 'return Math.ceil(voters.length / 2)',
  why: 'Of an even number of voters half suffices, so that two halves decide at once.',
  seed: 7,
  caughtBy: 'elected',
  needsFaults: true,
}
