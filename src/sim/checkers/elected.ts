/** Who leads a term has the votes of a majority in that very term (§5.2): counted from what the voters sent. */
import type { Index, NodeId } from '../../consensus/ids.js'
import type { Raft } from '../../consensus/raft/index.js'
import { check } from './violation.js'

export function checkElected(
  id: NodeId,
  core: Raft,
  voteOf: (voter: NodeId, term: number) => NodeId | undefined,
): void {
  const { term } = core.state
  const { voters } = core.status().configuration
  // Its own vote is in its own log, and nobody has to hear of it.
  const given = voters.filter((voter) => voter === id || voteOf(voter, term) === id)
  check(
    2 * given.length > voters.length,
    'elected',
    () => `${id} leads term ${term} by the votes of ${given}, of ${voters.length}`,
  )
}

/** What stays behind an installed snapshot follows from it: terms never fall along a log. */
export function checkBehindSnapshot(id: NodeId, core: Raft): void {
  const { offset, entries } = core.state.log
  let term = offset.term
  let index: Index = offset.index
  for (const entry of entries) {
    index++
    check(
      entry.index === index && entry.term >= term,
      'behind-snapshot',
      () => `${id} keeps entry ${entry.index} of term ${entry.term} behind ${index - 1} of ${term}`,
    )
    term = entry.term
  }
}
