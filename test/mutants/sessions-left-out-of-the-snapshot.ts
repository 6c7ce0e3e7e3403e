import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/snapshot.ts',
  find: `varint(view.size).finish())
  for (const batch of writeSessions(view)) yield* frames.frame(SESSIONS, batch)
`,
  replace: `varint(0).finish())
`,
  why: 'Behind a snapshot nobody remembers what was executed: a retry is executed again.',
  seed: 1,
  caughtBy: 'state-hash',
  needsFaults: false,
}
