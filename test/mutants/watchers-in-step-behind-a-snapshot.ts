import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/watch/hub.ts',
  find: `'a store is not replaced by what it was before')
    this.changed()
`,
  replace: `'a store is not replaced by what it was before')
    this.#skip()
    this.changed()
`,
  why: 'What a snapshot skips, watchers are never told (etcd 15271).',
  seed: 2,
  caughtBy: 'watch-resumable',
  needsFaults: true,
}
