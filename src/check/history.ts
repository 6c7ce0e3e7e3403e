/**
 * Histories: what clients asked and what they were told, in Jepsen's words. An event is one line of a history; an
 * operation is an invocation with its completion.
 */
import { encodeValue, type Value } from './value.js'

/** `info`: nobody knows whether it happened; it may take effect at any later time, or never. */
export type EventType = 'invoke' | 'ok' | 'fail' | 'info'

export type ProcessId = number | string

export interface HistoryEvent {
  readonly process: ProcessId
  readonly type: EventType
  readonly f: string
  readonly key?: Value
  readonly value?: Value
  /** Any unit; only shown. The order of the events is what counts. */
  readonly time?: number
  /** Why it failed, or why its outcome is unknown. */
  readonly error?: Value
  /** What an answer carries beside its value, such as `revision`. */
  readonly more?: { readonly [name: string]: Value }
  /** Where it was read, from 1. */
  readonly line?: number
}

/**
 * One operation. `a` came before `b` exactly when `a.completedAt < b.invokedAt`; otherwise they were concurrent.
 * Invariants: 1. `completedAt >= invokedAt`. 2. `output` and `answer` mean something only when `outcome` is `ok`.
 */
export interface Operation {
  /** Its place in the history. */
  readonly id: number
  readonly process: ProcessId
  readonly f: string
  readonly key: Value
  readonly input: Value
  readonly outcome: 'ok' | 'fail' | 'info'
  readonly output: Value
  readonly error: Value
  /** Fields beside `key` and `value`: of the invocation, and of the completion. */
  readonly asked: { readonly [name: string]: Value }
  readonly answer: { readonly [name: string]: Value }
  /** On one axis for the whole history: indices of events, or times. */
  readonly invokedAt: number
  readonly completedAt: number
  readonly time: { readonly invoked: number | null; readonly completed: number | null }
}

/** What is wrong with a history, and where: the caller's mistake, not a violation. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  readonly line: number | null

  constructor(message: string, line: number | null = null) {
    super(line === null ? message : `line ${line}: ${message}`)
    this.line = line
  }
}

const NOTHING = {}

/**
 * Joins invocations and completions. A process does one thing at a time; one whose invocation never completes is
 * `info`, as is one that goes on after an `info`: its first operation may still be under way.
 */
export function pairEvents(events: readonly HistoryEvent[]): Operation[] {
  const open = new Map<string, { event: HistoryEvent; at: number }>()
  const operations: Operation[] = []
  const close = (
    { event, at }: { event: HistoryEvent; at: number },
    end: HistoryEvent | null,
    endAt: number,
  ) => {
    const outcome = end === null || end.type === 'invoke' ? 'info' : end.type
    operations.push({
      id: operations.length,
      process: event.process,
      f: event.f,
      key: event.key ?? end?.key ?? null,
      input: event.value ?? null,
      outcome,
      output: end?.value ?? null,
      error: end?.error ?? null,
      asked: event.more ?? NOTHING,
      answer: end?.more ?? NOTHING,
      invokedAt: at,
      completedAt: outcome === 'info' ? Number.POSITIVE_INFINITY : endAt,
      time: { invoked: event.time ?? null, completed: end?.time ?? null },
    })
  }
  for (let at = 0; at < events.length; at++) {
    const event = events[at]
    if (event === undefined) continue
    const line = event.line ?? at + 1
    const process = encodeValue(event.process)
    const begun = open.get(process)
    if (event.type === 'invoke') {
      if (begun !== undefined)
        throw new HistoryError(
          `process ${event.process} invokes ${event.f} while its ${begun.event.f} is still open`,
          line,
        )
      open.set(process, { event, at })
      continue
    }
    if (begun === undefined)
      throw new HistoryError(
        `process ${event.process} completes ${event.f}, but it has nothing open`,
        line,
      )
    if (begun.event.f !== event.f)
      throw new HistoryError(
        `process ${event.process} completes ${event.f}, but what it invoked was ${begun.event.f}`,
        line,
      )
    open.delete(process)
    close(begun, event, at)
  }
  for (const begun of open.values()) close(begun, null, Number.POSITIVE_INFINITY)
  operations.sort((a, b) => a.invokedAt - b.invokedAt)
  return operations.map((operation, id) => ({ ...operation, id }))
}
