/**
 * Plain data, walked without knowing what it means: a copy, a canonical text, and a copy under other names. A field
 * that is new in a state takes part in all three, without anybody remembering to add it here.
 */

/** Never changed, so copies may share them: options, configurations. */
export type Shared = ReadonlySet<object>

type Names = ReadonlyMap<string, string>

export function clonePlain<T>(value: T, shared: Shared): T {
  return copy(value, shared, null) as T
}

/** A copy in which every string that is a name, also as a key of a map, is replaced. */
export function renamePlain<T>(value: T, shared: Shared, names: Names): T {
  return copy(value, shared, names) as T
}

function copy(value: unknown, shared: Shared, names: Names | null): unknown {
  if (typeof value === 'string') return names?.get(value) ?? value
  if (typeof value !== 'object' || value === null || shared.has(value)) return value
  if (Array.isArray(value)) return value.map((item) => copy(item, shared, names))
  if (value instanceof Uint8Array) return value
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>()
    for (const [key, item] of value) map.set(copy(key, shared, names), copy(item, shared, names))
    return map
  }
  if (value instanceof Set) return new Set([...value].map((item) => copy(item, shared, names)))
  mustBePlain(value)
  const out: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) out[key] = copy(item, shared, names)
  return out
}

/**
 * The same text for the same data and no other: keys are sorted, maps and sets too, since the order in which they
 * were filled is history. What is shared is the same everywhere and stands as one sign.
 */
export function encodePlain(value: unknown, shared: Shared): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (value === null) return '~'
  if (value === undefined) return '?'
  if (typeof value !== 'object') throw new TypeError(`not plain data: ${typeof value}`)
  if (shared.has(value)) return '*'
  if (Array.isArray(value)) return `[${value.map((item) => encodePlain(item, shared)).join()}]`
  if (value instanceof Uint8Array) return `<${value.join()}>`
  if (value instanceof Map) {
    const items = [...value].map(
      ([key, item]) => `${encodePlain(key, shared)}:${encodePlain(item, shared)}`,
    )
    return `m{${items.sort().join()}}`
  }
  if (value instanceof Set)
    return `s{${[...value]
      .map((item) => encodePlain(item, shared))
      .sort()
      .join()}}`
  mustBePlain(value)
  const record = value as Record<string, unknown>
  const items = Object.keys(record)
    .sort()
    .map((key) => `${key}:${encodePlain(record[key], shared)}`)
  return `{${items.join()}}`
}

/** Something with a life of its own would be shared between states that must not know of each other. */
function mustBePlain(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`not plain data: ${value.constructor.name}`)
}
