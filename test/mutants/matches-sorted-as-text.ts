import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/quorum.ts',
  find: '.sort((a, b) => b - a)',
  replace: '.sort().reverse()',
  why: "The median of 9, 10 and 100 as JavaScript's sort sees it without a comparator.",
  seed: 1,
  caughtBy: 'durable-commit',
  needsFaults: true,
}
