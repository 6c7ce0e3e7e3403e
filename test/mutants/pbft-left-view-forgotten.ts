import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/recovery.ts',
  find: `      s.viewChange = record.viewChange
      return leaveFor(s, record.viewChange.view)
`,
  replace: `      s.viewChange = record.viewChange
      return
`,
  why: 'A restarted replica is back in the view that it left (Fabric 0.6 restores the view of its votes).',
  seed: 1,
  caughtBy: 'durable-view',
  needsFaults: true,
}
