import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/ordering.ts',
  find: `  let slot = s.slots.get(index)
  if (slot === undefined) {`,
  replace: `  let slot = [...s.slots.values()].find((one) => one.index === index)
  if (slot === undefined) {`,
  why: 'Every vote goes through all that is open (sawtooth, Fabric).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
