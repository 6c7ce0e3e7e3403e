import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/open.ts',
  find: `    else file.datasync(done)
`,
  replace: `    else done(null, null)
`,
  why: 'A start takes what it reads for durable, though the process before it died between write and sync.',
  seed: 2,
  caughtBy: 'durable-batch',
  needsFaults: true,
}
