import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/open.ts',
  find: `  if (cut === null) return done(null, null)
`,
  replace: `  if (cut === null || cut.bytes > 0) return done(null, null)
`,
  why: 'A torn tail is skipped and not wiped: what is written over half of it looks damaged, or old records come back.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'wal/recovery.test.ts',
    test: 'is cut, zeroed and synced before anything is handed out',
  },
}
