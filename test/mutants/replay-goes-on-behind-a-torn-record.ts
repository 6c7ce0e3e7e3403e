import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/recovery.ts',
  find: `      cut = judgeTail(stretch)
      break
`,
  replace: `      cut = judgeTail(stretch)
      if (cut === null) break
      progress.chain = null
      offset += 8
      continue
`,
  why: 'Whole records behind an unfinished one are replayed: a log with a gap.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
