/** As much of EDN as Jepsen's histories hold. Keywords become texts with their colon, sets become lists. */
import { HistoryError } from '../history.js'
import type { Value } from '../value.js'

const DEPTH_MAX = 64
const SPACE = /[\s,]*/y
const ATOM = /[^\s,()[\]{}"]+/y
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?[NM]?$/

/** Reads one value; `end` is where it ends in the text. */
export function readEdn(text: string, from: number, line: number): { value: Value; end: number } {
  return new Reader(text, line).read(from, 0)
}

/** Reads all values up to the end of the text. */
export function readAllEdn(text: string, line: number): Value[] {
  const reader = new Reader(text, line)
  const values: Value[] = []
  for (let at = reader.skip(0); at < text.length; ) {
    const { value, end } = reader.read(at, 0)
    values.push(value)
    at = reader.skip(end)
  }
  return values
}

class Reader {
  readonly #text: string
  readonly #line: number

  constructor(text: string, line: number) {
    this.#text = text
    this.#line = line
  }

  skip(from: number): number {
    SPACE.lastIndex = from
    SPACE.test(this.#text)
    return SPACE.lastIndex
  }

  read(from: number, depth: number): { value: Value; end: number } {
    if (depth > DEPTH_MAX) throw this.#wrong('a value nested less deeply', from)
    const at = this.skip(from)
    const first = this.#text[at]
    switch (first) {
      case undefined:
        throw this.#wrong('a value', at)
      case '[':
        return this.#list(at + 1, ']', depth)
      case '(':
        return this.#list(at + 1, ')', depth)
      case '{':
        return this.#map(at + 1, depth)
      case '"':
        return this.#string(at)
      case '#':
        return this.#tagged(at, depth)
      default:
        return this.#atom(at)
    }
  }

  #list(from: number, close: string, depth: number): { value: Value[]; end: number } {
    const value: Value[] = []
    for (let at = this.skip(from); ; ) {
      if (this.#text[at] === close) return { value, end: at + 1 }
      const item = this.read(at, depth + 1)
      value.push(item.value)
      at = this.skip(item.end)
    }
  }

  #map(from: number, depth: number): { value: Value; end: number } {
    const { value: flat, end } = this.#list(from, '}', depth)
    if (flat.length % 2 !== 0) throw this.#wrong('a value for each key of the map', from)
    const fields: [string, Value][] = []
    for (let i = 0; i < flat.length; i += 2)
      fields.push([String(flat[i]).replace(/^:/, ''), flat[i + 1] ?? null])
    return { value: Object.fromEntries(fields), end }
  }

  #string(at: number): { value: string; end: number } {
    let end = at + 1
    while (end < this.#text.length && this.#text[end] !== '"')
      end += this.#text[end] === '\\' ? 2 : 1
    if (this.#text[end] !== '"') throw this.#wrong('the end of a string', at)
    try {
      return { value: String(JSON.parse(this.#text.slice(at, end + 1))), end: end + 1 }
    } catch {
      throw this.#wrong('a string', at)
    }
  }

  /** `#{...}` is a set, `#some.Tag value` a value. */
  #tagged(at: number, depth: number): { value: Value; end: number } {
    if (this.#text[at + 1] === '{') return this.#list(at + 2, '}', depth)
    ATOM.lastIndex = at
    ATOM.test(this.#text)
    return this.read(ATOM.lastIndex, depth + 1)
  }

  #atom(at: number): { value: Value; end: number } {
    ATOM.lastIndex = at
    const word = ATOM.exec(this.#text)?.[0]
    if (word === undefined) throw this.#wrong('a value', at)
    const end = at + word.length
    if (word === 'nil') return { value: null, end }
    if (word === 'true' || word === 'false') return { value: word === 'true', end }
    if (NUMBER.test(word)) return { value: Number(word.replace(/[NM]$/, '')), end }
    return { value: word, end }
  }

  #wrong(expected: string, at: number): HistoryError {
    const found = this.#text.slice(at, at + 20)
    return new HistoryError(
      `expected ${expected} at column ${at + 1}, found ${found === '' ? 'the end' : JSON.stringify(found)}`,
      this.#line,
    )
  }
}
