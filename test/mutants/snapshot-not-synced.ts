import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/snapshot-store.ts',
  find: 'this.#file.datasync(then(() => this.#readBack(written.digest, then(close))))',
  replace: 'this.#readBack(written.digest, then(close))',
  why: 'A snapshot gets its name before its content is on disk.',
  seed: 2,
  caughtBy: 'snapshot-file',
  needsFaults: true,
}
