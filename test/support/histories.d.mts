import type { HistoryEvent } from '../../src/check/index.js'

export interface GenerateOptions {
  readonly seed?: number
  readonly model?: 'register' | 'cas-register' | 'kv' | 'lists' | 'lock' | 'mvcc'
  readonly processes?: number
  readonly operations?: number
  readonly keys?: number
  readonly values?: number | 'unique'
  readonly infoRate?: number
  readonly failRate?: number
  readonly slowRate?: number
  readonly thinkTime?: number
}

export interface Random {
  next(): number
  int(n: number): number
  chance(p: number): boolean
  pick<T>(list: readonly T[]): T
}

export function randomFrom(seed: number): Random
export function generate(options: GenerateOptions): HistoryEvent[]
export function toLines(events: readonly HistoryEvent[]): string
