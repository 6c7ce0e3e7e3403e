import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: `  if (slot.preparedIn === s.view || !inWindow(s, slot.index)) return
`,
  replace: `  if (slot.preparedIn === s.view || !inWindow(s, slot.index)) return
  if (slot.prepared !== null && slot.prepared.proposed.digest !== proposed.digest) return
`,
  why: 'Who prepared a batch votes for no other at that index, whatever a NEW-VIEW shows (IBFT, neo dBFT 792).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
