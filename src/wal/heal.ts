/**
 * Which records of a damaged log are to be believed, and what stands in the place of the rest. A disk that lost a write
 * shows what was there before: an old record, whole and in its place, but never promised. So (docs/wal-format.md):
 * 1. A run next to a clash with a later one is not believed, and nothing before it in its group is.
 * 2. A run behind a break is believed if one of its records says that the run's begin was on disk before: the records
 *    of a torn tail, which is all that can come back, never say so. Or if it continues the damaged record.
 * 3. A segment whose hash its successor has, and that has no break, is what was written.
 * What is not believed is lost, and the first shape that is believed behind it tells what it was.
 */

import { chainSum } from './record.js'
import type { WalError } from './refusal.js'
import type { Break, Part, RecoveredRecord, Run, Survey } from './survey.js'

/** Stands where a stretch of the log is damaged. */
export interface Lost {
  readonly kind: 'lost'
  /** The first intact one behind the stretch: how the log looked there. */
  readonly shape: Uint8Array
}

export interface DamagedStretch {
  readonly file: string
  readonly offset: number
  /** What the log would be refused with if it could not be healed. */
  readonly error: WalError
  /**
   * `lost`: a shape behind it tells what is gone. `harmless`: all records are there. `hopeless`: nothing tells what
   * was there, and the log is refused.
   */
  readonly outcome: 'lost' | 'harmless' | 'hopeless'
}

export interface Damage {
  /** Of the stretch for which the log is refused; else of the first one. */
  readonly error: WalError
  readonly stretches: readonly DamagedStretch[]
}

export interface Healed {
  readonly items: readonly (RecoveredRecord | Lost)[]
  readonly damage: Damage | null
  /** `damage.error` if the log cannot be healed. */
  readonly refusal: WalError | null
  /** Where entries are lost: from which segment to which, places among the files, and up to which index. */
  readonly losses: readonly Loss[]
}

export interface Loss {
  readonly from: number
  readonly to: number
  readonly highestIndex: number
}

/** Runs without a break between them, and the breaks before and behind. */
interface Group {
  readonly runs: Run[]
  readonly before: Break | null
  behind: Break | null
}

export function heal(survey: Survey): Healed {
  const groups = grouped(survey.parts)
  const believed = believedRuns(survey, groups)
  const items: (RecoveredRecord | Lost)[] = []
  const stretches: DamagedStretch[] = []
  const losses: Loss[] = []
  let lost: Break | null = null
  const { parts } = survey
  for (const [i, part] of parts.entries()) {
    if (part.type !== 'run') {
      lost ??= part
      continue
    }
    if (!believed.has(part)) {
      lost ??= breakBehind(parts, i)
      continue
    }
    if (lost !== null) {
      const shape = shapeBehind(parts.slice(i), believed)
      stretches.push(stretchOf(lost.error, shape === null ? 'hopeless' : 'lost'))
      if (shape !== null) {
        items.push({ kind: 'lost', shape: shape.payload })
        losses.push({ from: lost.segment, to: part.segment, highestIndex: shape.lastIndex })
      }
      lost = null
    }
    items.push(...part.records.map(({ record }) => record))
  }
  if (lost !== null) stretches.push(stretchOf(lost.error, 'hopeless'))
  for (const error of survey.harmless) stretches.push(stretchOf(error, 'harmless'))
  const refusal = stretches.find(({ outcome }) => outcome === 'hopeless')?.error ?? null
  const error = refusal ?? stretches[0]?.error ?? null
  return { items, damage: error === null ? null : { error, stretches }, refusal, losses }
}

function stretchOf(error: WalError, outcome: DamagedStretch['outcome']): DamagedStretch {
  const { file, offset } = error.refusal
  return { file, offset, error, outcome }
}

/** A run that is not believed has a break on one side at least. */
function breakBehind(parts: readonly Part[], from: number): Break | null {
  for (const part of parts.slice(from)) if (part.type !== 'run') return part
  return null
}

function shapeBehind(parts: readonly Part[], believed: ReadonlySet<Run>): RecoveredRecord | null {
  for (const part of parts) {
    if (part.type !== 'run' || !believed.has(part)) continue
    for (const { record } of part.records) if (isShape(record)) return record
  }
  return null
}

/** A mark repeats the last shape, if it is known; an empty shape closes a batch whose own was torn off. */
export function isShape(record: RecoveredRecord): boolean {
  return (record.kind === 'shape' || record.kind === 'mark') && record.payload.length > 0
}

function grouped(parts: readonly Part[]): Group[] {
  const groups: Group[] = []
  let before: Break | null = null
  let open: Group | null = null
  for (const part of parts) {
    if (part.type === 'run') {
      if (open === null) {
        open = { runs: [], before, behind: null }
        groups.push(open)
      }
      open.runs.push(part)
    } else {
      if (open !== null) open.behind = part
      open = null
      before = part
    }
  }
  return groups
}

function believedRuns(survey: Survey, groups: readonly Group[]): Set<Run> {
  const believed = new Set<Run>()
  let lastBatch = 0
  for (const group of groups) {
    const { runs, before, behind } = group
    const isSound = behind?.type !== 'clash' && (before === null || isVouchedFor(group))
    // The chain that leads to a solid segment vouches for what leads there.
    const solid = runs.findLastIndex((run) => survey.segments[run.segment]?.isSolid)
    for (const [i, run] of runs.entries()) {
      if (!isSound && i > solid) break
      if (!goesUp(run, lastBatch)) break
      believed.add(run)
      for (const { record } of run.records)
        if (record.kind !== 'state') lastBatch = Math.max(lastBatch, record.batch)
    }
  }
  return believed
}

/** Batches only grow: what repeats or goes down is of another time. */
function goesUp(run: Run, lastBatch: number): boolean {
  const first = run.records[0]?.record
  if (first === undefined) return false
  return first.kind === 'batch' || first.kind === 'state'
    ? first.batch > lastBatch
    : first.batch >= lastBatch
}

function isVouchedFor({ runs, before }: Group): boolean {
  const first = runs[0]?.records[0]
  if (first === undefined || before === null) return false
  // The damaged record's own header is intact, and this one was written after it.
  if (before.found !== null && chainSum(before.found) === first.header.previousSum) return true
  return runs.some(({ records }) =>
    records.some(({ header }) => header.behindDurable || header.durableBatch >= first.header.batch),
  )
}
