import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/records.ts',
  find: 'foldEntries(folded, [bootstrapEntry(record.members)])',
  replace: 'foldAppend(folded.log, [bootstrapEntry(record.members)])',
  why: 'Behind damage the record that formed the cluster overwrites what the shape told: with a snapshot among it the node does not start.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/loss.test.ts',
    test: 'the record that formed the cluster says nothing new behind a shape that has seen it',
  },
}
