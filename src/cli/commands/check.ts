/** `check`: is a history linearizable? Reads a file or stdin; the clock of the time limit is here. */
import { readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import {
  type CheckResult,
  casRegister,
  checkLinearizable,
  checkWatches,
  counterexampleRows,
  counterexampleWords,
  detectModel,
  FORMATS,
  type Format,
  HistoryError,
  type HistoryEvent,
  keyValue,
  lock,
  MODEL_NAMES,
  type Model,
  type ModelName,
  multiVersion,
  pictureOf,
  readHistory,
  readWatchHistory,
  register,
} from '../../check/index.js'
import { EXIT, usageError } from '../errors.js'
import { table } from '../format/table.js'
import { note, print, printJson } from '../output.js'

/** Broken promises of watches that are printed. */
const BROKEN_SHOWN_MAX = 20

export interface CheckFlags {
  readonly model?: string
  readonly format?: string
  readonly keyed?: boolean
  readonly failedCas?: string
  readonly revision?: number
  readonly timeout: number
  readonly html?: string
  readonly json?: boolean
  readonly watch?: boolean
}

export async function check(file: string, flags: CheckFlags): Promise<number> {
  const source = await readSource(file)
  try {
    if (flags.watch === true) return checkWatch(source, file, flags)
    return await checkHistory(source, file, flags)
  } catch (error) {
    if (error instanceof HistoryError) throw usageError(`${nameOf(file)}: ${error.message}`)
    throw error
  }
}

async function checkHistory(source: string, file: string, flags: CheckFlags): Promise<number> {
  const format = oneOf('--format', flags.format, FORMATS)
  const events = readHistory(source, {
    ...(format === undefined ? {} : { format }),
    ...(flags.keyed === undefined ? {} : { keyed: flags.keyed }),
  })
  if (events.length === 0) throw usageError(`${nameOf(file)}: no operation in it`)
  const model = modelOf(events, source, format, flags)
  const started = performance.now()
  const elapsed = () => performance.now() - started
  const result = checkLinearizable(events, model, {
    stepsMax: Number.MAX_SAFE_INTEGER,
    shouldStop: () => elapsed() >= flags.timeout,
    shouldStopShrinking: () => elapsed() >= 2 * flags.timeout,
  })
  report(result, elapsed(), flags)
  if (flags.html !== undefined) await draw(result, file, flags.html)
  return { ok: EXIT.ok, violation: EXIT.generic, unknown: EXIT.unknown }[result.verdict]
}

function checkWatch(source: string, file: string, flags: CheckFlags): number {
  const result = checkWatches(readWatchHistory(source))
  if (result.watches === 0) throw usageError(`${nameOf(file)}: no watch starts in it`)
  const { watches, events, violations, verdict } = result
  if (flags.json === true) printJson(result)
  else {
    print(
      verdict === 'ok'
        ? `ok: ordered, unique, atomic, reliable, resumable (${watches} watches, ${events} events)`
        : `violation: ${violations.length} broken promises (${watches} watches, ${events} events)`,
    )
    for (const { rule, watch, line, message } of violations.slice(0, BROKEN_SHOWN_MAX))
      print(`${rule}: ${watch}${line === null ? '' : `, line ${line}`}: ${message}`)
    if (violations.length > BROKEN_SHOWN_MAX)
      print(`and ${violations.length - BROKEN_SHOWN_MAX} more`)
  }
  return verdict === 'ok' ? EXIT.ok : EXIT.generic
}

function report(result: CheckResult, ms: number, flags: CheckFlags): void {
  if (flags.json === true) {
    const { counterexample, ...rest } = result
    // All operations of the key would hide the few that count.
    const small = counterexample === null ? null : { ...counterexample, surroundings: undefined }
    printJson({ ...rest, counterexample: small, ms: Math.round(ms) })
    return
  }
  const { operations, partitions, model, counterexample } = result
  const parts = partitions === 1 ? '' : ` in ${partitions} partitions`
  const what = `${operations} operations${parts}, model ${model}, ${(ms / 1000).toFixed(2)} s`
  switch (result.verdict) {
    case 'ok':
      print(`ok: linearizable (${what})`)
      return
    case 'unknown':
      print(`unknown: not decided within ${flags.timeout / 1000} s; this is not a pass (${what})`)
      print(`undecided: ${result.undecided.slice(0, 10).join(', ')}; try a longer --timeout`)
      return
    case 'violation':
      print(`violation: not linearizable (${what})`)
  }
  if (counterexample === null) return
  print('')
  for (const line of counterexampleWords(counterexample)) print(line)
  print('')
  const [head = [], ...rows] = counterexampleRows(counterexample)
  print(table(head, rows))
}

async function draw(result: CheckResult, file: string, to: string): Promise<void> {
  const { counterexample, operations, model } = result
  if (counterexample === null) {
    note(`nothing to draw: ${to} is not written`)
    return
  }
  const html = pictureOf(counterexample, {
    title: `${nameOf(file)} is not linearizable`,
    subtitle: `${operations} operations, model ${model}`,
  })
  try {
    await writeFile(to, html)
  } catch (error) {
    throw usageError(`cannot write ${to}: ${error instanceof Error ? error.message : error}`)
  }
  note(`drawn in ${to}`)
}

function modelOf(
  events: readonly HistoryEvent[],
  source: string,
  format: Format | undefined,
  flags: CheckFlags,
): Model {
  const name = oneOf('--model', flags.model, MODEL_NAMES) ?? detectModel(events)
  if (name === null)
    throw usageError(
      `no model knows all of ${[...new Set(events.map((event) => event.f))].join(', ')}: choose one with --model ${MODEL_NAMES.join('|')}`,
    )
  const plain = format === 'jepsen' || (format === undefined && !/^\s*[{#]/.test(source))
  const failedCas =
    oneOf('--failed-cas', flags.failedCas, ['ignored', 'observed'] as const) ??
    (plain ? 'observed' : 'ignored')
  const models: { readonly [N in ModelName]: () => Model } = {
    register,
    'cas-register': () => casRegister({ failedCas }),
    kv: () => keyValue({ failedCas }),
    mvcc: () => multiVersion(flags.revision === undefined ? {} : { revision: flags.revision }),
    lock,
  }
  return models[name]()
}

async function readSource(file: string): Promise<string> {
  if (file === '-') return text(process.stdin)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw usageError(`cannot read ${file}: ${error instanceof Error ? error.message : error}`)
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'stdin' : file
}

function oneOf<T extends string>(
  flag: string,
  given: string | undefined,
  known: readonly T[],
): T | undefined {
  if (given === undefined) return undefined
  const found = known.find((name) => name === given)
  if (found === undefined)
    throw usageError(`${flag}: expected ${known.join(', ')}, got ${JSON.stringify(given)}`)
  return found
}
