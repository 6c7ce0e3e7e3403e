import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/recovery.ts',
  find: `  for (const record of records) fold(s, record)
`,
  replace: `  for (const record of records) fold(s, record)
  if (!s.active && s.viewChange !== null) throw new Error('in the middle of a view change')
`,
  why: 'A log that ends in the middle of a view change cannot be read (concord 639, 805).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
