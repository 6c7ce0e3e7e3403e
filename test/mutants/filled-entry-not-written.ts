import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/repair.ts',
  find: "const batch = out.persist({ type: 'Filled', entries: found })",
  replace: "const batch = out.persist({ type: 'Filled', entries: [] })",
  why: 'What a peer gave is in memory only, and a restart has the holes again, of entries acknowledged meanwhile.',
  seed: 94,
  caughtBy: 'durable-commit',
  needsFaults: true,
}
