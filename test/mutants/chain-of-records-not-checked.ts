import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/survey.ts',
  find: "if (this.chain !== 'any' && found.previousSum !== this.chain) {",
  replace: "if (this.chain !== 'any' && found.previousSum < 0) {",
  why: 'A record that went missing, or an old one in its place, is not noticed.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/recovery.test.ts',
    test: 'a record of an earlier life of the log in its old place is refused',
  },
}
