import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/proofs.ts',
  find: `    if (problem !== null) return \`index \${index}: \${problem}\`
`,
  replace: `    if (problem !== null && certificate.prepares.length === 0) return \`index \${index}: \${problem}\`
`,
  why: 'Of a certificate in a VIEW-CHANGE only the signatures are looked at (themis, light-pbft).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
