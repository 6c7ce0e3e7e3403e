import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/loss.ts',
  find: `  Log.truncate(log, agreed)
  appendHoles(log, shape)
`,
  replace: `  Log.truncate(log, agreed)
`,
  why: 'A log is cut at the damage, and goes back on what it acknowledged behind it.',
  seed: 18,
  caughtBy: 'leader-completeness',
  needsFaults: true,
}
