import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'driver/effects.ts',
  find: `        this.#commit.gate.pass({ type: 'release', through: effect.through })
`,
  replace: `        this.#ports.wal.release(effect.through)
`,
  why: 'The log goes before the record of the snapshot that replaces it is on disk.',
  seed: 1,
  caughtBy: 'released-early',
  needsFaults: true,
}
