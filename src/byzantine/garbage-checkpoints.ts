/** Its checkpoints and its votes for snapshots tell of a state that nobody is in, of another one to each. */
import type { Checkpoint, SnapshotVote } from '../consensus/pbft/messages.js'
import { type Behaviour, instead } from './liar.js'

const EVERY_TICKS = 20

export const garbageCheckpoints = (): Behaviour => ({
  send: (flight, liar) => {
    const { message: m, to } = flight
    if (m.type !== 'Checkpoint' && m.type !== 'SnapshotVote') return [flight]
    return instead(flight, liar.signed({ ...m, digest: liar.garbage(to) }))
  },
  // Of what lies ahead, too: one of them alone is neither a checkpoint nor a state to fetch.
  tick: (liar) => {
    if (liar.ticks % EVERY_TICKS !== 0) return []
    const { lastExecuted, options, agreedTime, history } = liar.state
    const { checkpointInterval } = options
    const index = checkpointInterval * (Math.floor(lastExecuted / checkpointInterval) + 1)
    const digest = liar.garbage(`${index}`)
    const file = { bytes: 1, time: agreedTime, history }
    return [
      ...liar.toVictims({
        type: 'StableCheckpoint',
        checkpoints: [liar.says<Checkpoint>({ type: 'Checkpoint', index, digest })],
      }),
      ...liar.toVictims(liar.says<SnapshotVote>({ type: 'SnapshotVote', index, digest, ...file })),
    ]
  },
})
