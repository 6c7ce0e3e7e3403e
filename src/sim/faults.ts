/** Every kind of fault that a seed may draw, by group, and the count of how often each was really injected. */

const BY_GROUP = {
  network: [
    'message-lost',
    'message-duplicated',
    'message-replayed',
    'message-delayed',
    'message-flipped',
    'link-clogged',
    'link-reset',
    'partition-uniform',
    'partition-isolate',
    'partition-one-way',
    'partition-bridge',
    'partition-ring',
    'partition-flapping',
  ],
  process: [
    'process-killed',
    'power-lost',
    'power-lost-everywhere',
    'crash-at-effect',
    'crash-loop',
    'paused',
    'suspended',
    'slow-machine',
    'leadership-transferred',
  ],
  disk: [
    'slow-disk',
    'disk-error',
    'disk-full',
    'disk-stalled',
    'read-error',
    'snapshot-failed',
    'bit-rot',
    'stale-sector',
    'misdirected-write',
    'snapshot-rot',
    'disk-wiped',
    'backup-restored',
  ],
  clock: ['clock-leapt', 'clock-frozen', 'clock-drifted', 'clock-restarted'],
  client: ['reply-lost', 'client-partition'],
  byzantine: [],
} as const

export type FaultGroup = keyof typeof BY_GROUP
export type FaultKind = (typeof BY_GROUP)[FaultGroup][number]

/** The kinds of each group, in their order. */
export const FAULT_GROUPS: { readonly [group in FaultGroup]: readonly FaultKind[] } = BY_GROUP

export const FAULT_KINDS: readonly FaultKind[] = Object.values(FAULT_GROUPS).flat()

export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>()

  add(kind: FaultKind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  of(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0
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
