import type { HistoryEvent } from '../../src/check/index.js'
import type { GenerateOptions, Random } from './histories.mjs'

export type AnomalyKind =
  | 'stale read'
  | 'lost update'
  | 'dirty read of a failed write'
  | 'resurrected value'
  | 'double append'
  | 'lost append'
  | 'two owners'
  | 'read of an old revision'

export const ANOMALIES: Readonly<
  Record<AnomalyKind, { readonly model: NonNullable<GenerateOptions['model']> }>
>
export function plant(
  kind: AnomalyKind,
  events: readonly HistoryEvent[],
  random: Random,
): HistoryEvent[] | null
