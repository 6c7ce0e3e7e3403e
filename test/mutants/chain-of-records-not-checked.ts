import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/recovery.ts',
  find: 'if (progress.chain !== null && found.previousSum !== progress.chain)',
  replace: 'if (progress.chain !== null && found.previousSum < 0)',
  why: 'A record that went missing, or an old one in its place, is not noticed.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
