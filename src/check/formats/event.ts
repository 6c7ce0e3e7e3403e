/** From the fields of one line to an event, whatever the line's format. */
import { type EventType, HistoryError, type HistoryEvent } from '../history.js'
import { showValue, type Value } from '../value.js'

const TYPES: readonly string[] = ['invoke', 'ok', 'fail', 'info']
const KNOWN = new Set(['process', 'type', 'f', 'key', 'value', 'time', 'error', 'index'])

type Fields = { readonly [name: string]: Value }

/** Null for a line about the nemesis, whom no model knows. */
export function eventOf(fields: Fields, line: number): HistoryEvent | null {
  const process = fields.process
  if (isNemesis(process)) return null
  if (typeof process !== 'number' && typeof process !== 'string')
    throw new HistoryError(`expected a process, a number or a text, found ${found(process)}`, line)
  const type = bare(fields.type)
  if (typeof type !== 'string' || !TYPES.includes(type))
    throw new HistoryError(
      `expected type to be invoke, ok, fail or info, found ${found(fields.type)}`,
      line,
    )
  const f = bare(fields.f)
  if (typeof f !== 'string' || f === '')
    throw new HistoryError(`expected f to name what was asked, found ${found(fields.f)}`, line)
  const { key, value, time, error } = fields
  if (time !== undefined && time !== null && typeof time !== 'number')
    throw new HistoryError(`expected time to be a number, found ${found(time)}`, line)
  const more = Object.entries(fields).filter(([name]) => !KNOWN.has(name))
  return {
    process,
    type: type as EventType,
    f,
    line,
    ...(key === undefined ? {} : { key }),
    ...(value === undefined ? {} : { value }),
    ...(typeof time === 'number' ? { time } : {}),
    ...(error === undefined || error === null ? {} : { error }),
    ...(more.length === 0 ? {} : { more: Object.fromEntries(more) }),
  }
}

export function isNemesis(process: Value | undefined): boolean {
  return process === 'nemesis' || process === ':nemesis'
}

function bare(value: Value | undefined): Value | undefined {
  return typeof value === 'string' ? value.replace(/^:/, '') : value
}

function found(value: Value | undefined): string {
  return value === undefined ? 'none' : showValue(value)
}
