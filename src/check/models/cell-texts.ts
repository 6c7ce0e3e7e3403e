/**
 * The values of one cell as texts, and the texts as small integers. Values that no answer shows share the state
 * DARK: nobody can tell them apart. Where values are appended to, a state is a place in the sorted list of what was
 * shown: the stretch of texts that begin with it, and how far.
 */
import { encodeValue, isList, type Value } from '../value.js'

export const DARK = 0

/** What an append makes of a cell that has no value yet. */
export type Growth = 'none' | 'text' | 'list'

/** No value; where values grow also the empty text or list. */
export const NIL_TEXT = 'null'

export function textOf(value: Value, growth: Growth): string {
  if (growth === 'text' && typeof value === 'string') return value === '' ? NIL_TEXT : `"${value}`
  if (growth === 'list' && isList(value)) {
    if (value.length === 0) return NIL_TEXT
    return `[${value.map(encodeValue).join(',')},`
  }
  return encodeValue(value)
}

/** What an append adds to a text; null where it adds nothing that makes sense. */
export function pieceOf(value: Value, growth: Growth): string | null {
  if (growth === 'list') return `${encodeValue(value)},`
  return typeof value === 'string' ? value : null
}

/** A state: the shown texts from `low` up to, not including, `high` begin with `length` characters in common. */
interface Place {
  readonly low: number
  readonly high: number
  readonly length: number
  readonly text: string | null
}

export class Texts {
  readonly #growth: Growth
  /** Sorted; where values grow, without those that another begins with. */
  readonly #shown: readonly string[]
  readonly #isShown: ReadonlySet<string>
  readonly #places: Place[] = [{ low: 0, high: 0, length: 0, text: '(a value that nobody reads)' }]
  readonly #ids = new Map<string, number>()

  constructor(shown: ReadonlySet<string>, growth: Growth) {
    this.#growth = growth
    this.#isShown = shown
    const sorted = growth === 'none' ? [] : [...shown].sort()
    this.#shown = sorted.filter((text, i) => sorted[i + 1]?.startsWith(text) !== true)
  }

  /** DARK for a text that neither is shown nor can grow into one that is. */
  idOf(text: string): number {
    if (this.#growth !== 'none' && text.startsWith(this.opening))
      return this.#grow({ low: 0, high: this.#shown.length, length: 0, text: null }, text)
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const matters = this.#isShown.has(text) || (this.#growth !== 'none' && text === NIL_TEXT)
    const id = matters ? this.#places.push({ low: -1, high: -1, length: -1, text }) - 1 : DARK
    this.#ids.set(text, id)
    return id
  }

  /** After an append; null where the state holds what cannot grow. */
  grown(state: number, piece: string): number | null {
    const from = this.#at(state)
    if (state === DARK) return DARK
    if (from.text === NIL_TEXT) return this.idOf(this.opening + piece)
    return from.length < 0 ? null : this.#grow(from, piece)
  }

  text(id: number): string {
    const { low, length, text } = this.#at(id)
    return text ?? (this.#shown[low] as string).slice(0, length)
  }

  /** Whether appends alone can lead from one to the other. */
  canBecome(from: number, to: number): boolean {
    if (from === to) return true
    if (from === DARK) return false
    const a = this.#at(from)
    const b = this.#at(to)
    if (b.length < 0) return false
    if (a.length < 0) return a.text === NIL_TEXT
    return a.low <= b.low && b.low < a.high && a.length <= b.length
  }

  /** Whether it is a text or list that appends made or could make. */
  isGrown(id: number): boolean {
    return this.#at(id).length >= 0 && this.#at(id).text === null
  }

  /** The mark with which texts that grow begin. */
  get opening(): string {
    return this.#growth === 'list' ? '[' : '"'
  }

  /** What a shown value begins and ends with. */
  begins(id: number, piece: string): boolean {
    const { low, length } = this.#at(id)
    return length > piece.length && (this.#shown[low] as string).startsWith(piece, 1)
  }

  ends(id: number, piece: string): boolean {
    const { low, length } = this.#at(id)
    return length > piece.length && (this.#shown[low] as string).endsWith(piece, length)
  }

  /** Whether some shown text holds what an append adds. */
  showsPiece(piece: string): boolean {
    return this.#shown.some((text) => text.includes(piece))
  }

  #grow(from: Place, piece: string): number {
    const at = from.length
    const part = (i: number) => (this.#shown[i] as string).slice(at, at + piece.length)
    const low = firstFrom(from.low, from.high, (i) => part(i) >= piece)
    if (low === from.high || part(low) !== piece) return DARK
    const name = `${low} ${at + piece.length}`
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    const high = firstFrom(low, from.high, (i) => part(i) > piece)
    const id = this.#places.push({ low, high, length: at + piece.length, text: null }) - 1
    this.#ids.set(name, id)
    return id
  }

  #at(id: number): Place {
    return this.#places[id] as Place
  }
}

/** The first index in [low, high) that passes, where all after it pass, too; else high. */
function firstFrom(low: number, high: number, passes: (i: number) => boolean): number {
  let a = low
  let b = high
  while (a < b) {
    const middle = (a + b) >> 1
    if (passes(middle)) b = middle
    else a = middle + 1
  }
  return a
}
