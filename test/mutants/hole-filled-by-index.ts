import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/log.ts',
  find: 'return entries.filter((entry) => hasEntry(log, entry) && isHole(log, entry.index))',
  replace: 'return entries.filter((entry) => isHole(log, entry.index))',
  why: 'A hole is filled with whatever entry a peer has at that index, be it of another term.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/healing.test.ts',
    test: 'an entry of another term, or where no hole is, fills nothing',
  },
}
