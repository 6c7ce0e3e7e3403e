/** Every kind of fault that a seed may draw, and the count of how often each was really injected. */

export const FAULT_KINDS = [
  'message-lost',
  'message-duplicated',
  'message-replayed',
  'message-delayed',
  'message-flipped',
  'partition-uniform',
  'partition-isolate',
  'partition-one-way',
  'partition-bridge',
  'process-killed',
  'power-lost',
  'power-lost-everywhere',
  'crash-at-effect',
  'paused',
  'slow-disk',
  'disk-error',
  'slow-machine',
  'reply-lost',
  'snapshot-failed',
  'leadership-transferred',
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>()

  add(kind: FaultKind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  get total(): number {
    let sum = 0
    for (const count of this.#counts.values()) sum += count
    return sum
  }

  /** In the order of FAULT_KINDS. */
  plain(): { readonly [kind: string]: number } {
    const out: { [kind: string]: number } = {}
    for (const kind of FAULT_KINDS) {
      const count = this.#counts.get(kind)
      if (count !== undefined) out[kind] = count
    }
    return out
  }
}
