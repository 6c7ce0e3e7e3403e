import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/watch/hub.ts',
  find: `    const events = batchSince(this.#source, watcher.next)
`,
  replace: `    const events = batchSince(this.#source, watcher.next + 1)
`,
  why: 'A watch that resumes misses the first revision that it asks for.',
  seed: 1,
  caughtBy: 'watch-resumable',
  needsFaults: false,
}
