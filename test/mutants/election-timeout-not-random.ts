import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/state.ts',
  find: 'nextInt(s.random, electionTicks, 2 * electionTicks - 1)',
  replace: 'electionTicks',
  why: 'All nodes wait equally long, and split their votes again and again.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/paper-election.test.ts',
    test: 'the election timeout is drawn anew from [T, 2T) and spreads',
  },
}
