import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/new-view.ts',
  find: `  if (!areDistinctReplicas(m.viewChanges, replicas))
    return 'view changes of replicas that are not distinct'
`,
  replace: '',
  why: 'A NEW-VIEW may count one sender Q times (Fabric 0.6 recvNewView, FISCO isValidNewViewMsg).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
