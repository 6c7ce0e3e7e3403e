import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/view-change.ts',
  find: 'const prepared = preparedAbove(s)',
  replace: 'const prepared = preparedAbove(s).slice(0, 0)',
  why: 'A VIEW-CHANGE shows nothing of what was prepared (sawtooth-pbft).',
  seed: 5,
  caughtBy: 'liveness',
  needsFaults: false,
}
