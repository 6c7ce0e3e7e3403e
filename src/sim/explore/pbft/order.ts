/** Lists of what several replicas signed stand in the order of their names, also when those were exchanged. */
import { clonePlain, type Shared } from '../plain.js'

export function sameOrder<T>(value: T, shared: Shared): T {
  const copy = clonePlain(value, shared)
  sort(copy, shared)
  return copy
}

function sort(value: unknown, shared: Shared): void {
  if (typeof value !== 'object' || value === null || shared.has(value)) return
  if (value instanceof Uint8Array) return
  if (Array.isArray(value)) {
    if (value.every(isSigned))
      value.sort((a, b) => (a.sender < b.sender ? -1 : a.sender > b.sender ? 1 : 0))
    for (const item of value) sort(item, shared)
    return
  }
  if (value instanceof Map || value instanceof Set) {
    for (const item of value.values()) sort(item, shared)
    return
  }
  for (const item of Object.values(value)) sort(item, shared)
}

function isSigned(item: unknown): item is { sender: string } {
  return (
    typeof item === 'object' && item !== null && 'sender' in item && typeof item.sender === 'string'
  )
}
