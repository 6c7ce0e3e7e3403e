import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/survey.ts',
  find: `      if (verdict.type === 'torn') this.cut = verdict.cut
      if (verdict.type !== 'damaged') return null
      if (this.#isSpare(stretch)) return this.#passOver(stretch, verdict.error)
      this.#gap(segment, verdict.error, found)`,
  replace: `      if (verdict.type === 'end') return null
      if (verdict.type === 'damaged') this.#gap(segment, verdict.error, found)
      else this.chain = 'any'`,
  why: 'Whole records behind an unfinished one are replayed: a log with a gap.',
  seed: 8,
  caughtBy: 'recovery',
  needsFaults: true,
}
