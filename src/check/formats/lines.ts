/**
 * Histories as text: one JSON object a line, one EDN map a line, or Jepsen's plain log lines. Blank lines and what
 * the nemesis did are passed over.
 */
import { HistoryError, type HistoryEvent } from '../history.js'
import { isList, isRecord, type Value } from '../value.js'
import { readAllEdn, readEdn } from './edn.js'
import { eventOf, isNemesis } from './event.js'

export type Format = 'json' | 'jepsen' | 'edn'

export const FORMATS: readonly Format[] = ['json', 'jepsen', 'edn']

export interface ReadOptions {
  /** Else by the first line that is not blank. */
  readonly format?: Format
  /** Whether values are `[key value]`; else by the look of the reads. */
  readonly keyed?: boolean
}

const JEPSEN = /(?:^|\s)(\S+)\s+:(invoke|ok|fail|info)\s+:(\S+)\s*(.*)$/
/** What else a log says begins with a level, maybe after a date. */
const OTHER_LOG_LINE = /^(\S*\d\S*\s+)*(TRACE|DEBUG|INFO|WARN|ERROR)\b/

/** Throws a HistoryError that names the line. */
export function readHistory(text: string, options: ReadOptions = {}): HistoryEvent[] {
  const lines = text.split(/\r?\n/)
  const format = options.format ?? formatOf(lines)
  const events: HistoryEvent[] = []
  let latest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] as string).replace(/^\uFEFF/, '').trim()
    if (line === '') continue
    const event = READERS[format](line, i + 1)
    if (event === null) continue
    if (event.time !== undefined) {
      if (event.time < latest)
        throw new HistoryError(
          `time goes back from ${latest} to ${event.time}: lines have to be in the order of what happened`,
          i + 1,
        )
      latest = event.time
    }
    events.push(event)
  }
  return (options.keyed ?? looksKeyed(events)) ? events.map(splitKey) : events
}

function formatOf(lines: readonly string[]): Format {
  const i = lines.findIndex((line) => line.trim() !== '')
  const first = lines[i]?.trim() ?? ''
  if (/^\{\s*("|\})/.test(first)) return 'json'
  if (/^(#\S+\s*)?\{\s*:/.test(first)) return 'edn'
  if (JEPSEN.test(first) || OTHER_LOG_LINE.test(first) || first === '') return 'jepsen'
  throw new HistoryError(
    'expected a JSON object, an EDN map, or a line of a Jepsen log such as ' +
      '"INFO  jepsen.util - 3 :invoke :read nil"; name the format if it is one of these',
    i + 1,
  )
}

const READERS: { readonly [F in Format]: (line: string, number: number) => HistoryEvent | null } = {
  json: readJson,
  edn: readEdnLine,
  jepsen: readJepsen,
}

function readJson(line: string, number: number): HistoryEvent | null {
  let value: Value
  try {
    value = JSON.parse(line) as Value
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new HistoryError(`expected one JSON object a line: ${why}`, number)
  }
  if (!isRecord(value)) throw new HistoryError('expected a JSON object', number)
  return eventOf(value, number)
}

function readEdnLine(line: string, number: number): HistoryEvent | null {
  const { value } = readEdn(line, 0, number)
  if (!isRecord(value)) throw new HistoryError('expected an EDN map', number)
  const { error } = value
  return eventOf(failureOf(value.type, value.value ?? null, error ?? null, value), number)
}

function readJepsen(line: string, number: number): HistoryEvent | null {
  const match = JEPSEN.exec(line)
  if (match === null) {
    if (OTHER_LOG_LINE.test(line) && !/\s:(invoke|ok|fail|info)(\s|$)/.test(line)) return null
    throw new HistoryError(
      'expected a process, :invoke, :ok, :fail or :info, what was asked, and a value',
      number,
    )
  }
  const [, name = '', type = '', f = '', rest = ''] = match
  if (isNemesis(name)) return null
  const process = /^\d+$/.test(name) ? Number(name) : name
  const [value = null, error = null] = readAllEdn(rest, number)
  return eventOf({ process, f, ...failureOf(type, value, error, {}) }, number)
}

/** What went wrong may stand in the value's place: `:info :write :timed-out`. */
function failureOf(
  type: Value | undefined,
  value: Value,
  error: Value,
  fields: { readonly [name: string]: Value },
): { readonly [name: string]: Value } {
  const bare = typeof type === 'string' ? type.replace(/^:/, '') : ''
  const failed = bare === 'fail' || bare === 'info'
  if (failed && typeof value === 'string' && value.startsWith(':'))
    return { ...fields, type: bare, value: null, error: value }
  return { ...fields, type: bare, value, error }
}

/** Reads are invoked as `[key nil]` in tests with independent keys, and without a value in others. */
function looksKeyed(events: readonly HistoryEvent[]): boolean {
  const reads = events.filter(({ type, f }) => type === 'invoke' && (f === 'read' || f === 'get'))
  return (
    reads.length > 0 &&
    reads.every(
      ({ key, value }) =>
        key === undefined && isList(value) && value.length === 2 && value[1] === null,
    )
  )
}

function splitKey(event: HistoryEvent): HistoryEvent {
  const { value, line } = event
  if (event.type !== 'invoke' && !isList(value)) return event
  if (!isList(value) || value.length !== 2)
    throw new HistoryError('expected a value of the form [key value]', line ?? null)
  return { ...event, key: value[0] ?? null, value: value[1] ?? null }
}
