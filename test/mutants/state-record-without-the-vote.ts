import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/index.ts',
  find: `    const { term, votedFor, log } = this.state
    return { type: 'State', term, votedFor, snapshot: log.snapshot }`,
  replace: `    const { term, log } = this.state
    return { type: 'State', term, votedFor: null, snapshot: log.snapshot }`,
  why: 'Segments open without the vote: when the old ones go, it goes with them.',
  seed: 1,
  caughtBy: 'durable-vote',
  needsFaults: true,
}
