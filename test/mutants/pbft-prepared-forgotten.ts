import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/recovery.ts',
  find: `      slot.prepared = certificate
`,
  replace: '',
  why: 'A restarted replica cannot show what it prepared.',
  seed: 2,
  caughtBy: 'pbft-state',
  needsFaults: true,
}
