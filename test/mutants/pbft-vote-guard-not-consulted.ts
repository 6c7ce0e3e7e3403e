import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/recovery.ts',
  find: `      slot.proposed = proposed
      slot.preparedIn = proposed.view
`,
  replace: '',
  why: 'What was accepted before a restart does not keep another batch out after it (Fabric 0.6 recvPrePrepare).',
  seed: 4,
  caughtBy: 'equivocation',
  needsFaults: true,
}
