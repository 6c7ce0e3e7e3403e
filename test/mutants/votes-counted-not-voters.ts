import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/election.ts',
  find: `  if (!votes.has(from)) votes.set(from, granted)
}

function tally(s: State, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  return voteResult(configurationOf(s), (id) => votes.get(id))`,
  replace: `  votes.set(votes.has(from) ? \`\${from} again \${votes.size}\` : from, granted)
}

function tally(s: State, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const granted = [...votes.values()].filter((vote) => vote).length
  if (2 * granted > configurationOf(s).voters.length) return 'won'
  return voteResult(configurationOf(s), (id) => votes.get(id))`,
  why: 'Votes are a counter: a reply that the network repeats is a second vote (seen in liferaft).',
  seed: 8,
  caughtBy: 'elected',
  needsFaults: true,
}
