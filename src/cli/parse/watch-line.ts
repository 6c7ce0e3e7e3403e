/** What `watch` is asked: behind its name on the command line, or a line of `watch -i`. */
import { usageError } from '../errors.js'

export interface WatchAsk {
  readonly key: string
  /** Exclusive. */
  readonly end?: string
  readonly prefix: boolean
  readonly prevKv: boolean
  readonly rev: number
  /** Run for each change. */
  readonly command: readonly string[]
}

/** Words behind `--` are the command; those before it are key and end of the range. */
export function splitCommand(words: readonly string[]): {
  readonly range: readonly string[]
  readonly command: readonly string[]
} {
  const at = words.indexOf('--')
  return at === -1
    ? { range: words, command: [] }
    : { range: words.slice(0, at), command: words.slice(at + 1) }
}

/** `watch [--prefix] [--prev-kv] [--rev N] KEY [END] [-- COMMAND...]`. Null: an empty line. */
export function parseWatchLine(line: string): WatchAsk | null {
  const words = (line.match(/"(?:[^"\\]|\\.)*"|'[^']*'|\S+/g) ?? []).map(unquote)
  if (words.length === 0) return null
  const [verb, ...rest] = words
  if (verb !== 'watch') throw usageError(`watch -i: expected watch [flags] KEY, got ${line}`)
  const { range, command } = splitCommand(rest)
  const flags = { prefix: false, prevKv: false, rev: 0 }
  const keys: string[] = []
  for (let i = 0; i < range.length; i++) {
    const word = range[i] ?? ''
    if (word === '--prefix') flags.prefix = true
    else if (word === '--prev-kv') flags.prevKv = true
    else if (word === '--rev') flags.rev = revisionOf(range[++i] ?? '')
    else if (word.startsWith('--rev=')) flags.rev = revisionOf(word.slice('--rev='.length))
    else if (word.startsWith('--')) throw usageError(`watch -i: no flag ${word}`)
    else keys.push(word)
  }
  const [key, end, more] = keys
  if (key === undefined || more !== undefined)
    throw usageError(`watch -i: expected a key and at most an end, got ${line}`)
  return { key, ...(end === undefined ? {} : { end }), ...flags, command }
}

function revisionOf(text: string): number {
  const revision = Number(text)
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(revision))
    throw usageError(`--rev: expected a revision, got ${JSON.stringify(text)}`)
  return revision
}

function unquote(word: string): string {
  const quoted = word.length >= 2 && (word.startsWith('"') || word.startsWith("'"))
  return quoted && word.endsWith(word[0] ?? '') ? word.slice(1, -1) : word
}
