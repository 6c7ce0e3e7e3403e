/**
 * The values of one cell as texts, and the texts as small integers. A list or, where values are appended to, a
 * string is a text that is a prefix of all that it can grow into. Values that no answer ever shows share the state
 * DARK: nobody can tell them apart.
 */
import { encodeValue, isList, type Value } from '../value.js'

export const DARK = 0

/** What an append makes of a cell that has no value yet. */
export type Growth = 'none' | 'text' | 'list'

export const NIL_TEXT = 'null'

export function textOf(value: Value, growth: Growth): string {
  if (growth === 'text' && typeof value === 'string') return value === '' ? NIL_TEXT : `"${value}`
  if (growth === 'list' && isList(value))
    return value.length === 0
      ? NIL_TEXT
      : `[${value.map((item) => `${encodeValue(item)},`).join('')}`
  return encodeValue(value)
}

/** The text after an append; null where the cell holds what cannot grow. */
export function grown(text: string, value: Value, growth: Growth): string | null {
  const piece = pieceOf(value, growth)
  if (piece === null) return null
  if (text === NIL_TEXT) return growth === 'list' ? `[${piece}` : `"${piece}`
  return text.startsWith(growth === 'list' ? '[' : '"') ? text + piece : null
}

/** What an append adds to a text. */
export function pieceOf(value: Value, growth: Growth): string | null {
  if (growth === 'list') return `${encodeValue(value)},`
  return typeof value === 'string' ? value : null
}

/** The texts that answers show, and what may grow into them. */
export class Texts {
  readonly #ids = new Map<string, number>()
  readonly #texts: string[] = ['(a value that nobody reads)']
  readonly #growth: Growth
  /** Sorted; with growth only the longest of those that are prefixes of each other. */
  readonly #shown: readonly string[]
  readonly #isShown: ReadonlySet<string>

  constructor(shown: ReadonlySet<string>, growth: Growth) {
    this.#growth = growth
    this.#isShown = shown
    const sorted = [...shown].sort()
    this.#shown = sorted.filter((text, i) => sorted[i + 1]?.startsWith(text) !== true)
  }

  /** DARK for a text that neither is shown nor can grow into one that is. */
  idOf(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#matters(text) ? this.#texts.push(text) - 1 : DARK
    this.#ids.set(text, id)
    return id
  }

  text(id: number): string {
    return this.#texts[id] ?? ''
  }

  get count(): number {
    return this.#texts.length
  }

  /** Whether some shown text holds what an append adds. */
  showsPiece(piece: string): boolean {
    return this.#shown.some((text) => text.includes(piece))
  }

  #matters(text: string): boolean {
    if (this.#isShown.has(text)) return true
    if (this.#growth === 'none') return false
    if (text === NIL_TEXT) return true
    let low = 0
    let high = this.#shown.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#shown[middle] as string) < text) low = middle + 1
      else high = middle
    }
    return this.#shown[low]?.startsWith(text) === true
  }
}
