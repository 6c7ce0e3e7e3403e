/** What a node remembers while its log is healed (docs/decisions/0004). */
import type { Index, NodeId } from '../ids.js'

export interface Repair {
  /** Ticks since a leader was heard. */
  silentTicks: number
  /** Ticks since a peer was last asked, and after how many the next one is: it doubles while nothing comes back. */
  askElapsed: number
  askTicks: number
  /** Counts up with every question: whom to ask next. */
  asked: number
  /** What each peer last said it does not have, of what stands first: the hole, or 0 for a lost base. */
  readonly absent: Map<NodeId, Index>
  /** The first missing index of the last note about asking; one note each is enough. */
  noted: Index
  /** Said once: nobody has it. */
  hopeless: boolean
}

/** A snapshot on its way to a peer that asked for it; not sent again before it failed or `ticks` passed. */
export interface SnapshotOut {
  readonly index: Index
  ticks: number
}

export function newRepair(askTicks: number): Repair {
  return {
    silentTicks: 0,
    askElapsed: 0,
    askTicks,
    asked: 0,
    absent: new Map(),
    noted: 0,
    hopeless: false,
  }
}
