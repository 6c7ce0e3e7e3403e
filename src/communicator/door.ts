/**
 * The middleware through which all leaves that a node says on its own: messages, handshakes, snapshots. Only here
 * is it known whom the node has blocked, and what else is done to its traffic on purpose.
 */
import type { RandomState } from '../base/random.js'
import type { NodeId } from '../consensus/ids.js'
import {
  type Fate,
  type FaultPlan,
  fateOf,
  isBlocked,
  type LinkClock,
  NO_FAULTS,
  type TargetFaults,
} from '../faults/plan.js'

export class Door {
  readonly #random: RandomState
  readonly #onHealed: (id: NodeId) => void
  #plan: FaultPlan = NO_FAULTS
  readonly #partitionEnd = new Expiry()
  readonly #faultsEnd = new Expiry()

  /** `onHealed`: this target is no longer blocked. */
  constructor(random: RandomState, onHealed: (id: NodeId) => void) {
    this.#random = random
    this.#onHealed = onHealed
  }

  get plan(): FaultPlan {
    return this.#plan
  }

  /** Until the partition heals by itself; 0: it does not. */
  get ttlLeftMs(): number {
    return this.#partitionEnd.leftMs
  }

  /** Until the faults are cleared by themselves; 0: they are not. */
  get faultsTtlLeftMs(): number {
    return this.#faultsEnd.leftMs
  }

  isBlocked(to: NodeId): boolean {
    return isBlocked(this.#plan, to)
  }

  /** What becomes of one message that would be written now. */
  fate(to: NodeId, link: LinkClock, nowMs: number): Fate {
    return fateOf(this.#plan, to, link, nowMs, this.#random)
  }

  /** Replaces the list; a new list also replaces the time to live of the old one. */
  setPartition(blocked: readonly NodeId[], ttlMs: number): void {
    const before = this.#plan.blocked
    this.#plan = { ...this.#plan, blocked: [...new Set(blocked)] }
    this.#partitionEnd.set(blocked.length > 0 ? ttlMs : 0, () => this.setPartition([], 0))
    for (const id of before) if (!this.isBlocked(id)) this.#onHealed(id)
  }

  /** Replaces them all, and their time to live. */
  setFaults(targets: readonly TargetFaults[], ttlMs: number): void {
    this.#plan = { ...this.#plan, targets: [...targets] }
    this.#faultsEnd.set(targets.length > 0 ? ttlMs : 0, () => this.setFaults([], 0))
  }

  close(): void {
    this.#partitionEnd.cancel()
    this.#faultsEnd.cancel()
  }
}

/** The end of something that was set for a while. */
class Expiry {
  #pending: { readonly timer: NodeJS.Timeout; readonly at: number } | null = null

  /** At least 1 while it is pending; else 0. */
  get leftMs(): number {
    return this.#pending === null ? 0 : Math.max(1, Math.ceil(this.#pending.at - performance.now()))
  }

  /** Replaces the one before; 0: never. */
  set(ttlMs: number, over: () => void): void {
    this.cancel()
    if (ttlMs <= 0) return
    this.#pending = { timer: setTimeout(over, ttlMs), at: performance.now() + ttlMs }
  }

  cancel(): void {
    if (this.#pending !== null) clearTimeout(this.#pending.timer)
    this.#pending = null
  }
}
