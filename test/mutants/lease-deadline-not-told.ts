import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/kv/kv-machine.ts',
  find: `    return first === null ? null : Math.max(first.deadline, this.#time)
`,
  replace: `    return first === null ? null : Number.MAX_SAFE_INTEGER
`,
  why: 'The machine does not say when it needs the time, so that in an idle cluster nobody tells it.',
  seed: 1,
  caughtBy: 'liveness',
  needsFaults: false,
}
