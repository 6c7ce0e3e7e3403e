import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/damage.ts',
  find: 'if (endsRecord(bytes, end) && !hasHole(bytes, offset, end))',
  replace: 'if (endsRecord(bytes, end))',
  why: 'An ordinary power loss is refused as corruption, and the node stays down.',
  seed: 4,
  caughtBy: 'recovery',
  needsFaults: true,
}
