/** Which model a history is of, by what was asked. */
import type { HistoryEvent } from './history.js'

export type ModelName = 'register' | 'cas-register' | 'kv' | 'mvcc' | 'lock'

export const MODEL_NAMES: readonly ModelName[] = ['register', 'cas-register', 'kv', 'mvcc', 'lock']

/** Null when nothing fits. */
export function detectModel(events: readonly HistoryEvent[]): ModelName | null {
  const asked = new Set(events.map((event) => event.f))
  const only = (...words: string[]) => [...asked].every((f) => words.includes(f))
  const revised = events.some((event) => event.type === 'ok' && event.more?.revision !== undefined)
  if (only('acquire', 'release')) return 'lock'
  if (revised && only('get', 'put', 'delete', 'range', 'txn')) return 'mvcc'
  if (only('read', 'write')) return 'register'
  if (only('read', 'write', 'cas')) return 'cas-register'
  if (only('get', 'read', 'put', 'write', 'append', 'cas', 'delete')) return 'kv'
  return null
}
