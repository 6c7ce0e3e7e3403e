import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/proofs.ts',
  find: 'if (!areDistinctReplicas(statements, rules.replicas))',
  replace: 'if (statements.some(({ sender }) => !rules.replicas.includes(sender)))',
  why: 'A certificate may hold one signer Q times (FISCO checkPrecommitWeight).',
  seed: 12,
  caughtBy: 'committed-batch',
  needsFaults: true,
}
