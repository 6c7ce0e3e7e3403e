import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: `  if (slot.preparedIn === s.view || !inWindow(s, slot.index)) return
`,
  replace: `  if (slot.preparedIn === s.view || !inWindow(s, slot.index)) return
  if ((slot.batches.get(proposed.digest)?.time ?? 0) > s.now + s.options.clockBoundMs) return
`,
  why: 'What a NEW-VIEW carries over has to pass the checks of a fresh proposal, and fails them (Besu 7875).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
