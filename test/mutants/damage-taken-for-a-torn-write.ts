import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/damage.ts',
  find: 'if (header.durableBatch >= batch || header.behindDurable)',
  replace: 'if (header.durableBatch < 0)',
  why: 'One flipped bit, and everything behind it is cut off without a word (NATS 2.12.1).',
  seed: 5,
  caughtBy: 'durable-batch',
  needsFaults: true,
}
