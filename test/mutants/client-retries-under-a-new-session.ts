import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'client/core/step.ts',
  find: '  if (operation.seq === 0) {',
  replace: '  if (operation.seq === 0 || (c.session !== 0 && operation.session !== c.session)) {',
  why: 'A command is repeated under another session than the one it was first sent with.',
  seed: 68,
  caughtBy: 'exactly-once',
  needsFaults: true,
}
