/**
 * A body before JSON.parse: taken apart into its values, one after the other. Integers of more digits than a double
 * holds become strings, since a lease id must not be rounded; nesting is bounded, since readers recurse.
 */

/** A nested Txn takes three levels; etcd's own limit on them is far below. */
const DEPTH_MAX = 256
/** 2^53 has 16 digits. */
const SAFE_DIGITS = 15
const INTEGER = /^\d+$/
const OF_NUMBERS = '0123456789.eE+-'

export class JsonProblem extends Error {
  override readonly name = 'JsonProblem'
}

/**
 * Each value as JSON.parse takes it; what is no JSON is left for it to say. Throws JsonProblem, also where there are more
 * than so many.
 */
export function splitJson(text: string, valuesMax: number): string[] {
  const values: string[] = []
  let value = ''
  let copied = 0
  let depth = 0
  const cut = (end: number): void => {
    value += text.slice(copied, end)
    copied = end
    if (value.trim() !== '') values.push(value)
    value = ''
    if (values.length > valuesMax) throw new JsonProblem(tooMany(valuesMax))
  }
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') {
      if (++depth > DEPTH_MAX) throw new JsonProblem(`nested deeper than ${DEPTH_MAX} levels`)
    } else if (character === '}' || character === ']') {
      if (--depth === 0) cut(at + 1)
    } else if (isDigit(character)) {
      const end = endOfNumber(text, at)
      const digits = text.slice(at, end)
      if (digits.length > SAFE_DIGITS && INTEGER.test(digits)) {
        const start = text[at - 1] === '-' ? at - 1 : at
        value += `${text.slice(copied, start)}"${text.slice(start, end)}"`
        copied = end
      }
      at = end - 1
    }
  }
  cut(text.length)
  return values
}

function tooMany(valuesMax: number): string {
  return valuesMax === 1
    ? 'expected one JSON object, got more after it'
    : `expected at most ${valuesMax} JSON objects in one body`
}

/** Where its closing quote is, or the end of the text. */
function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function endOfNumber(text: string, from: number): number {
  let at = from
  while (at < text.length && OF_NUMBERS.includes(text[at] ?? ' ')) at++
  return at
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}
