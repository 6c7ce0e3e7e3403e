import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/repair.ts',
  find: `  if (peer !== undefined) ask(s, repair, peer, out)
}`,
  replace: '}',
  why: 'A damaged node waits for a leader to send what it lost: two damaged of three elect nobody.',
  seed: 12,
  caughtBy: 'liveness',
  needsFaults: true,
}
