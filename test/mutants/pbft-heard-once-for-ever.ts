import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/hearing.ts',
  find: `  s.heard.clear()
`,
  replace: '',
  why: 'Who was heard once since the start counts as heard: a replica that is cut off in mid run leaves the view alone.',
  seed: null,
  caughtBy: null,
  needsFaults: true,
  killer: {
    file: 'consensus/pbft/hearing.test.ts',
    test: 'with a proposal open and a request of its own stays in its view',
  },
}
