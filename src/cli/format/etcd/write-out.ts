/** `-w`: etcdctl's formats, to the letter of its names, order and omissions. */
import { usageError } from '../../errors.js'
import { print } from '../../output.js'
import type { WriteOut } from './write-out-names.js'

export interface WriteOutFlag {
  readonly writeOut?: WriteOut
}

/** How a command prints what it was answered, in each format that it has. */
export interface Printers {
  readonly simple: () => void
  readonly json: () => Json
  readonly fields?: () => readonly Field[]
  readonly table?: () => { readonly head: readonly string[]; readonly rows: readonly string[][] }
}

export function writeOut(flags: WriteOutFlag, printers: Printers): void {
  const { fields, table } = printers
  const format = flags.writeOut ?? 'simple'
  if (format === 'simple') return printers.simple()
  if (format === 'json') return print(jsonText(printers.json()))
  if (format === 'fields' && fields !== undefined) {
    for (const [name, value] of fields()) print(name === '' ? '' : `"${name}" : ${value}`)
    return
  }
  if (format === 'table' && table !== undefined) {
    const { head, rows } = table()
    return print(boxed(head, rows))
  }
  throw usageError(`-w ${format}: not supported for this command`)
}

/** A name and what is written behind it. */
export type Field = readonly [name: string, value: string | number | bigint | boolean]

/** An empty line, behind each of several. */
export const GAP: Field = ['', '']

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/** 64-bit ids as plain digits, which JSON.stringify cannot write. */
export function jsonText(value: Json): string {
  if (typeof value === 'bigint') return value.toString()
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (isList(value)) return `[${value.map(jsonText).join(',')}]`
  const parts: string[] = []
  for (const [name, one] of Object.entries(value))
    if (one !== undefined) parts.push(`${JSON.stringify(name)}:${jsonText(one)}`)
  return `{${parts.join(',')}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** What is zero or empty is left out, as Go's encoder does it. */
export function filled(fields: { readonly [name: string]: Json | undefined }): {
  [name: string]: Json
} {
  const kept: { [name: string]: Json } = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === null || value === false || value === '') continue
    if (value === 0 || value === 0n || (isList(value) && value.length === 0)) continue
    kept[name] = value
  }
  return kept
}

/** Heads in the middle, cells to the right. */
function boxed(head: readonly string[], rows: readonly string[][]): string {
  const widths = head.map((text, i) => Math.max(text.length, ...rows.map((row) => width(row[i]))))
  const line = `+${widths.map((one) => '-'.repeat(one + 2)).join('+')}+`
  const cells = (texts: readonly string[]) => `| ${texts.join(' | ')} |`
  const centred = head.map((text, i) => {
    const room = (widths[i] ?? 0) - text.length
    return ' '.repeat(Math.floor(room / 2)) + text + ' '.repeat(Math.ceil(room / 2))
  })
  const body = rows.map((row) => cells(row.map((text, i) => text.padStart(widths[i] ?? 0))))
  return [line, cells(centred), line, ...body, line].join('\n')
}

function width(text: string | undefined): number {
  return text?.length ?? 0
}
