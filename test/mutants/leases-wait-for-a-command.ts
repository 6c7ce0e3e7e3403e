import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/machine.ts',
  find: `    this.#inner.advance?.(context)
`,
  replace: `    if (entry.requests.length > 0) this.#inner.advance?.(context)
`,
  why: 'Where nobody asks for anything no lease ends, for an entry that tells the time alone is passed over.',
  seed: 1,
  caughtBy: 'liveness',
  needsFaults: false,
}
