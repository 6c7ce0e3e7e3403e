import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/watch/hub.ts',
  find: `    for (const watcher of this.#inStep()) this.#fallBehind(watcher, this.#told + 1)
    this.#told = this.#source.revision
    this.#schedule()
  }

  /** This stream`,
  replace: `    this.#told = this.#source.revision
    this.#schedule()
  }

  /** This stream`,
  why: 'What a snapshot skips, watchers are never told (etcd 15271).',
  seed: 2,
  caughtBy: 'watch-resumable',
  needsFaults: true,
}
