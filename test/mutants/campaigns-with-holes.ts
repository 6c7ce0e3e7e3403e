import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: 'return isVoter(configurationOf(s), s.id) && isWhole(s.log)',
  replace: 'return isVoter(configurationOf(s), s.id)',
  why: 'A node whose log lost entries is elected, and has nothing to send where they were.',
  seed: 4,
  caughtBy: 'raft-state',
  needsFaults: true,
}
