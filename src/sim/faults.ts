/** Every kind of fault that a seed may draw, by group, and the count of how often each was really injected. */
import { isLiarKind, type LiarKind } from '../byzantine/index.js'

/** Replicas that lie, by kind. Who they are is drawn where a protocol bears them. */
export const BYZANTINE_KINDS = [
  'byzantine-silent',
  'byzantine-mute-to-some',
  'byzantine-slow',
  'byzantine-starve',
  'byzantine-equivocate',
  'byzantine-wrong-digest',
  'byzantine-forged-votes',
  'byzantine-lying-view-change',
  'byzantine-lying-new-view',
  'byzantine-replay',
  'byzantine-far-future',
  'byzantine-garbage-checkpoints',
  'byzantine-wrong-parts',
  'byzantine-wrong-replies',
  'byzantine-amnesia',
  'byzantine-flood',
] as const satisfies readonly `byzantine-${LiarKind}`[]

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
    'snapshot-piece-flipped',
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
    'crash-at-disk-call',
    'at-a-moment',
    'leader-left-behind',
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
  client: [
    'reply-lost',
    'client-partition',
    'request-strayed',
    'request-late',
    'request-twice',
    'reply-late',
    'reply-twice',
  ],
  byzantine: BYZANTINE_KINDS,
} as const

export type FaultGroup = keyof typeof BY_GROUP
export type FaultKind = (typeof BY_GROUP)[FaultGroup][number]

/** The kinds of each group, in their order. */
export const FAULT_GROUPS: { readonly [group in FaultGroup]: readonly FaultKind[] } = BY_GROUP

export const FAULT_KINDS: readonly FaultKind[] = Object.values(FAULT_GROUPS).flat()

/** Null: it is not one of them. */
export function liarKindOf(kind: FaultKind): LiarKind | null {
  const name = kind.slice('byzantine-'.length)
  return kind.startsWith('byzantine-') && isLiarKind(name) ? name : null
}

export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>()

  add(kind: FaultKind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  of(kind: FaultKind): number {
    return this.#counts.get(kind) ?? 0
  }

  /** Of what strikes, lies apart: a liar lies all the time. */
  get total(): number {
    let sum = 0
    for (const [kind, count] of this.#counts) if (liarKindOf(kind) === null) sum += count
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
