import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/status.ts',
  find: 'const problem = commitsProblem(m.commits, rulesOf(s))',
  replace: 'const problem = m.commits.length > 0 ? null : commitsProblem(m.commits, rulesOf(s))',
  why: 'Whoever is behind executes what anybody sends.',
  seed: 12,
  caughtBy: 'committed-batch',
  needsFaults: true,
}
