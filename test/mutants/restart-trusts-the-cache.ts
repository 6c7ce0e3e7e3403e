import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/open.ts',
  find: 'writeAll(file, from, concat([bytes.subarray(from, last.end), closing]), (unwritten) => {',
  replace: 'writeAll(file, last.end, closing, (unwritten) => {',
  why: 'A start after a failed sync reads pages that are in the cache alone, and its own sync writes nothing (PostgreSQL lost data so, 2018).',
  seed: 10,
  caughtBy: 'durable-batch',
  needsFaults: true,
}
