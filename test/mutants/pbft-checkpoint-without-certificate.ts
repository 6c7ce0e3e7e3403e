import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/proofs.ts',
  find: `    const problem = stableProblem(m.checkpoints, rules)
    if (problem !== null) return \`its stable checkpoint: \${problem}\`
    if (m.checkpoints[0]?.index !== m.stable) return 'checkpoints of another index than its h'
`,
  replace: '',
  why: 'The h of a VIEW-CHANGE is believed without a proof (Fabric 0.6 moveWatermarks).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
