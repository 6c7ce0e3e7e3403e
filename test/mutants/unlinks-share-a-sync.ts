import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/retention.ts',
  find: 'fs.syncDirectory(dir, (lost) => this.#removed(lost))',
  replace: 'this.#removed(null)',
  why: 'Two segments are removed without a sync between: a power loss may keep the older and lose the newer.',
  seed: 10,
  caughtBy: 'recovery',
  needsFaults: true,
}
