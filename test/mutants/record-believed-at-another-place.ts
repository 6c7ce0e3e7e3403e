import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/record.ts',
  find: 'return crc32c(out, seed, at, at + SUM_AT)',
  replace: 'return crc32c(out, salt === seed ? 1 : 0, at, at + SUM_AT)',
  why: 'A whole record at the wrong place is a record (TigerBeetle 2711 and 2506: misdirected writes).',
  seed: 1,
  caughtBy: 'recovery',
  needsFaults: true,
}
