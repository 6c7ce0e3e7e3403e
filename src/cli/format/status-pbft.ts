/** What `status` shows of a cluster that runs PBFT. Each row is one node's own word: a liar's may be anything. */
import type { PbftStatus, StatusResponse, Suspicion } from '../../gen/quorate/v1/quorate.js'
import type { Answered, Seen } from '../cluster-view.js'

export const PBFT_STATUS_HEAD = [
  'name',
  'endpoint',
  'role',
  'view',
  'stable',
  'window',
  'last',
  'applied',
  'trails by',
  'blocks',
  'faults',
  'suspects',
  'state hash',
  'version',
] as const

/** Of the statements that a replica makes once a slot. */
const NOUNS: Readonly<Record<string, string>> = {
  Proposed: 'proposals',
  Prepare: 'prepares',
  Commit: 'commits',
  Checkpoint: 'checkpoints',
}

/** Beside what every protocol tells. */
export function pbftFields(status: StatusResponse): Record<string, unknown> {
  const { pbft } = status
  if (pbft === undefined) return {}
  return {
    faultyMax: pbft.faultyMax,
    active: pbft.active,
    mute: pbft.mute,
    diverged: pbft.diverged,
    stableCheckpoint: pbft.stableCheckpoint,
    lowWatermark: pbft.lowWatermark,
    highWatermark: pbft.highWatermark,
    suspicions: pbft.suspicions.map((one) => ({
      ...one,
      signatures: one.signatures.map((bytes) => Buffer.from(bytes).toString('hex')),
    })),
  }
}

/**
 * How far some honest replica has executed: of what all say, f may be lies, so the f+1st highest is not above it. Null:
 * too few answer.
 */
export function honestProgress(answered: readonly Answered[]): number | null {
  const f = answered[0]?.status.pbft?.faultyMax ?? 0
  const applied = answered.map(({ status }) => status.appliedIndex).sort((a, b) => b - a)
  return applied[f] ?? null
}

export function roleOf(status: StatusResponse): string {
  if (!status.formed) return 'waits for all members'
  const { pbft } = status
  if (pbft?.mute === true) return 'mute'
  if (pbft?.diverged === true) return 'diverged'
  return pbft?.active === false ? 'changes view' : status.role
}

export function windowOf(pbft: PbftStatus | undefined): string {
  return pbft === undefined ? '' : `${pbft.lowWatermark}-${pbft.highWatermark}`
}

export function suspectsOf(pbft: PbftStatus | undefined): string {
  const names = [...new Set((pbft?.suspicions ?? []).map(({ replica }) => replica))]
  return names.length === 0 ? '-' : names.join(',')
}

/** A line for each contradiction that somebody has seen, with who has. */
export function suspicionLines(seen: readonly Seen[]): string[] {
  const by = new Map<string, { readonly suspicion: Suspicion; readonly witnesses: string[] }>()
  for (const one of seen) {
    if ('error' in one) continue
    for (const suspicion of one.status.pbft?.suspicions ?? []) {
      const { replica, kind, epoch, view, index } = suspicion
      const key = `${replica} ${kind} ${epoch} ${view} ${index}`
      const known = by.get(key) ?? { suspicion, witnesses: [] }
      known.witnesses.push(one.status.name)
      by.set(key, known)
    }
  }
  return [...by.values()].map(({ suspicion, witnesses }) => {
    const { replica, kind, view, index } = suspicion
    const where = kind === 'Checkpoint' ? `index ${index}` : `index ${index} in view ${view}`
    return `${replica} signed two different ${NOUNS[kind] ?? kind} for ${where}, says ${witnesses.join(', ')} (both signatures: --json)`
  })
}
