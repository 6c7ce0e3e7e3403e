/** The values that histories hold: what JSON can say. */

export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [name: string]: Value }

/** One text for each value: equal values give equal texts, whatever the order of their fields. */
export function encodeValue(value: Value): string {
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(encodeValue).join(',')}]`
  const fields = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${encodeValue(value[name] ?? null)}`)
  return `{${fields.join(',')}}`
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

export function isRecord(value: Value | undefined): value is { readonly [name: string]: Value } {
  return typeof value === 'object' && value !== null && !isList(value)
}

/** For people: short. */
export function showValue(value: Value | undefined, max = 40): string {
  if (value === undefined) return '?'
  return value === null ? 'nil' : shorten(encodeValue(value), max)
}

/** Cut in the middle when it is long. */
export function shorten(text: string, max = 40): string {
  if (text.length <= max) return text
  const half = Math.floor((max - 3) / 2)
  return `${text.slice(0, half)}...${text.slice(text.length - half)}`
}
