import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'client/core/pbft-step.ts',
  find: 'operation.answers.set(replica, answer)',
  replace: `operation.answers.set(\`\${replica} \${operation.answers.size}\`, answer)`,
  why: 'The client counts replies, not replicas.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
