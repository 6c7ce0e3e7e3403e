import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/encoding.ts',
  find: `      w.varint(s.view).varint(s.index)
      writeDigest(w, s.digest)
`,
  replace: `      w.varint(s.type === 'Proposed' ? s.view : 0).varint(s.index)
      writeDigest(w, s.digest)
`,
  why: 'A vote is signed without its view, and counts in every later one (FISCO).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
