import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/requests.ts',
  find: `  if (s.waiting.size >= s.options.waitingRequestsMax) return 'full'
`,
  replace: '',
  why: 'Requests wait without a bound.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
