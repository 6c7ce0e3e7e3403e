import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/record.ts',
  find: 'return crc32c(payload) === header.payloadSum ? payload : null',
  replace: 'return payload',
  why: 'A torn or rotten record is read as if it were whole.',
  seed: 10,
  caughtBy: 'recovery',
  needsFaults: true,
}
