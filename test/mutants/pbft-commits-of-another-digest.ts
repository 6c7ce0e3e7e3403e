import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/slot.ts',
  find: `const key = \`\${commit.view} \${commit.digest}\``,
  replace: `const key = \`\${commit.view}\``,
  why: "The digest is not part of a COMMIT's key: votes for two batches are added up.",
  seed: 4,
  caughtBy: 'committed-batch',
  needsFaults: true,
}
