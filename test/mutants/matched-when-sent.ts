import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/append-entries.ts',
  find: 'Progress.sent(p, present(entries.at(-1)).index, bytes)',
  replace: `Progress.sent(p, present(entries.at(-1)).index, bytes)
    p.matchIndex = p.nextIndex - 1`,
  why: 'What was sent counts as replicated: optimistic acknowledgements rolled back a committed suffix in CCF 5674.',
  seed: 1,
  caughtBy: 'durable-commit',
  needsFaults: false,
}
