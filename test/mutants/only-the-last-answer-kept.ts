import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'machine/sessions.ts',
  find: `    session.answers.set(seq, answer)
`,
  replace: `    session.answers.clear()
    session.answers.set(seq, answer)
`,
  why: 'A session keeps one answer: retries of earlier ones are executed again.',
  seed: 2,
  caughtBy: 'linearizable',
  needsFaults: false,
}
