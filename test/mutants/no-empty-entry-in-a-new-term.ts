import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: `  appendOwn(s, [], out)
`,
  replace: '',
  why: 'Upon election no entry of the own term is appended: what is older commits only if a client comes.',
  seed: 3,
  caughtBy: 'liveness',
  needsFaults: true,
}
