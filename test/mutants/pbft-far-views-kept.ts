import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/view-change.ts',
  find: `  s.viewChanges.set(m.sender, m)
  settle(s, out)
}

export function countOwn`,
  replace: `  s.viewChanges.set(\`\${m.sender} \${m.view}\`, m)
  settle(s, out)
}

export function countOwn`,
  why: 'Of each sender every VIEW-CHANGE is kept, for whatever view (Besu GHSA-23rh-rrqg-wq82).',
  seed: null,
  caughtBy: null,
  needsFaults: true,
}
