import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/encoding.ts',
  find: `  w.byte(TAGS[s.type]).varint(s.epoch)
`,
  replace: `  w.byte(s.type === 'SnapshotVote' ? TAGS[s.type] : 0).varint(s.epoch)
`,
  why: 'What is signed does not tell its type: one statement passes for another (sawtooth, Seal for NewView).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
