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
  #healing: { readonly timer: NodeJS.Timeout; readonly at: number } | null = null

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
    return this.#healing === null ? 0 : Math.max(1, Math.ceil(this.#healing.at - performance.now()))
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
    this.close()
    const before = this.#plan.blocked
    this.#plan = { ...this.#plan, blocked: [...new Set(blocked)] }
    if (ttlMs > 0 && blocked.length > 0) {
      const timer = setTimeout(() => this.setPartition([], 0), ttlMs)
      this.#healing = { timer, at: performance.now() + ttlMs }
    }
    for (const id of before) if (!this.isBlocked(id)) this.#onHealed(id)
  }

  setFaults(targets: readonly TargetFaults[]): void {
    this.#plan = { ...this.#plan, targets: [...targets] }
  }

  close(): void {
    if (this.#healing !== null) clearTimeout(this.#healing.timer)
    this.#healing = null
  }
}
