import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/append-entries.ts',
  find: `  sendEntries(s, to, p, [], out)
`,
  replace: `  sendFrom(s, to, p, { prev: { index: 0, term: 0 }, entries: [] }, out)
`,
  why: 'Heartbeats prove nothing of the log: when a whole window is lost, nobody notices.',
  seed: 1,
  caughtBy: 'liveness',
  needsFaults: false,
}
