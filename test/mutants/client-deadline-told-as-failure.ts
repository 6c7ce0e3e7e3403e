import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'client/core/step.ts',
  find: "operation.kind === 'query' || (operation.unknown.length === 0 && operation.attempt === null)",
  replace: "operation.kind === 'query' || operation.attempt === null",
  why: 'A command whose time is up is told to have failed although an attempt may live on.',
  seed: 3,
  caughtBy: 'exactly-once',
  needsFaults: false,
}
