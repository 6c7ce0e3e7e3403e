/**
 * It makes certificates of what it has: its own vote as often as it takes, and others' names under its own signature.
 * They prove batches and states that never were (FISCO's checkPrecommitWeight counted a signer twice).
 */
import type { Checkpoint, Commit, ViewChange } from '../consensus/pbft/messages.js'
import { quorum } from '../consensus/pbft/quorum.js'
import type { Behaviour, Flight, Liar } from './liar.js'

const EVERY_TICKS = 15

export const forgedVotes = (): Behaviour => ({
  send: (flight, liar) => {
    const { message: m, to } = flight
    if (m.type !== 'ViewChange' || m.sender !== liar.id || m.prepared.length === 0) return [flight]
    const prepared = m.prepared.map(({ proposed, prepares }) => ({
      proposed,
      prepares: prepares.flatMap((_, __, [first]) => (first === undefined ? [] : [first])),
    }))
    return [{ to, message: liar.signed<ViewChange>({ ...m, prepared }) }]
  },
  tick: (liar) => {
    if (liar.ticks % EVERY_TICKS !== 0) return []
    return [...neverCommitted(liar), ...notThisBatch(liar), ...neverStable(liar)]
  },
})

/** The next index holds a batch that nobody proposed: by Q votes, all of them ours. */
function neverCommitted(liar: Liar): Flight[] {
  const { view, lastExecuted, agreedTime, replicas } = liar.state
  const batch = { time: agreedTime + 1, requests: [] }
  const digest = liar.digestOf(batch)
  const own = liar.says<Commit>({ type: 'Commit', view, index: lastExecuted + 1, digest })
  const q = quorum(replicas.length)
  const ours = Array.from({ length: q }, () => own)
  // The same under the others' names: their signatures are not good.
  const forged = replicas.slice(0, q).map((sender) => ({ ...own, sender }))
  return [ours, forged].flatMap((commits) =>
    liar.toVictims({ type: 'CommittedBatch', commits, batch }),
  )
}

/** Good votes, and beside them another batch than they are for. */
function notThisBatch(liar: Liar): Flight[] {
  const { lastExecuted, slots, agreedTime } = liar.state
  const commits = slots.get(lastExecuted)?.committed ?? []
  const batch = { time: agreedTime + 1, requests: [] }
  return liar.toVictims({ type: 'CommittedBatch', commits, batch })
}

function neverStable(liar: Liar): Flight[] {
  const { stable, options, replicas } = liar.state
  const index = stable.index + 2 * options.checkpointInterval
  const own = liar.says<Checkpoint>({ type: 'Checkpoint', index, digest: liar.garbage('state') })
  const checkpoints = Array.from({ length: quorum(replicas.length) }, () => own)
  return liar.toVictims({ type: 'StableCheckpoint', checkpoints })
}
