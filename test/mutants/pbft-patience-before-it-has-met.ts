import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/view-change.ts',
  find: 'isAmongEnough(s) ? longestWait(s) : 0',
  replace: 'longestWait(s)',
  why: 'Who is up before the others after a start, or cut off, loses patience alone, and is out of their view.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/pbft/regressions.test.ts',
    test: 'who is up long before the others waits for them',
  },
}
