import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/sessions.ts',
  find: 'for (const view of this.#views) if (view.number > session.keptAt) view.keep(session)',
  replace: 'session.keptAt = this.#captures',
  why: 'A snapshot holds sessions as they are when it is written, and data as they were when it was captured (etcd 13766: index and data not of one moment).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'machine/snapshot.test.ts',
    test: 'is applied, compacted and expired while the pieces are pulled is not in the snapshot',
  },
}
