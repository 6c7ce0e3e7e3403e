/** How what is asked of a door ends: plain numbers, for metrics. */
import type { EtcdDoor } from './door.js'

/** A read that waited longer than this for its turn is slow (ms), as in etcd. */
const SLOW_READ_MS = 500

export class Outcomes {
  /** Commands that were not executed, or nobody knows whether they were. */
  proposalsFailed = 0
  /** Linearizable reads that no quorum confirmed. */
  readsFailed = 0
  readsSlow = 0
}

/** `now`: monotonic ms. */
export function talliedDoor(door: EtcdDoor, outcomes: Outcomes, now: () => number): EtcdDoor {
  return {
    commandTimeoutMs: door.commandTimeoutMs,
    serving: () => door.serving(),
    query: door.query,
    submit: async (command, timeoutMs, readOnly) => {
      const outcome = await door.submit(command, timeoutMs, readOnly)
      if (outcome.type !== 'Result') outcomes.proposalsFailed++
      return outcome
    },
    read: async (timeoutMs) => {
      const began = now()
      const outcome = await door.read(timeoutMs)
      if (now() - began > SLOW_READ_MS) outcomes.readsSlow++
      // Over PBFT no node is asked to confirm a read.
      if (outcome.type !== 'Ready' && outcome.type !== 'Unsupported') outcomes.readsFailed++
      return outcome
    },
  }
}
