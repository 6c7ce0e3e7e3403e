/** What a disk's calls suffer: one that fails, a medium that is full, one that stalls. Asked for each call. */
import type { Operation } from '../../wal/memory-file-system.js'
import type { FaultKind } from '../faults.js'

/** These need room on the medium. */
const GROWS: ReadonlySet<Operation> = new Set(['write', 'create', 'mkdir'])

export class MediumFaults {
  readonly #now: () => number
  /** A call that was to fail does so now. */
  readonly #onInjected: (kind: FaultKind) => void
  /** Calls left until one fails; null: none will. */
  #callsLeft: number | null = null
  /** Room left; null: plenty. */
  #bytesLeft: number | null = null
  /** The call that the process does not survive; null: none. */
  #fatal: { readonly operation: Operation; left: number; readonly die: () => void } | null = null
  #stalledUntilMs = 0
  #heldUntilMs = 0

  constructor(now: () => number, onInjected: (kind: FaultKind) => void) {
    this.#now = now
    this.#onInjected = onInjected
  }

  /** The n-th call from now fails; null: none. */
  breakAfter(calls: number | null): void {
    this.#callsLeft = calls
  }

  get willFail(): boolean {
    return this.#callsLeft !== null || this.#fatal !== null
  }

  /** The n-th call of this kind from now is the last: `die` runs when it was made. Null: none. */
  dieAt(fatal: { operation: Operation; left: number; die: () => void } | null): void {
    this.#fatal = fatal
  }

  /** A call of this kind is made. */
  called(operation: Operation): void {
    const fatal = this.#fatal
    if (fatal === null || fatal.operation !== operation || --fatal.left > 0) return
    this.#fatal = null
    fatal.die()
  }

  /** Only so much more goes onto it; null: there is room again. */
  limit(bytes: number | null): void {
    this.#bytesLeft = bytes
  }

  /** No call made before then ends earlier. */
  stallUntil(ms: number): void {
    this.#stalledUntilMs = ms
  }

  /** How many of so many bytes a write takes: it is short before it is refused. */
  takes(length: number): number {
    if (this.#bytesLeft === null || this.#bytesLeft === 0) return length
    const taken = Math.min(length, this.#bytesLeft)
    this.#bytesLeft -= taken
    return taken
  }

  /** The code that this call fails with; null: it does not. */
  codeOf(operation: Operation, full: boolean): string | null {
    if (full && GROWS.has(operation)) {
      this.#onInjected('disk-full')
      return 'ENOSPC'
    }
    if (this.#callsLeft === null || --this.#callsLeft > 0) return null
    this.#callsLeft = null
    this.#onInjected('disk-error')
    return 'EIO'
  }

  get full(): boolean {
    return this.#bytesLeft === 0
  }

  /** At least so long until the call that is made now ends. */
  stallMs(): number {
    const ms = Math.max(0, this.#stalledUntilMs - this.#now())
    if (ms > 0) this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#stalledUntilMs)
    return ms
  }

  /** A call made in a stall may not have ended yet. */
  get isHolding(): boolean {
    return this.#heldUntilMs > this.#now()
  }
}
