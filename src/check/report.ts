/** A counterexample in words and columns, for people. */
import type { Counterexample } from './counterexample.js'
import type { Operation } from './history.js'
import { shorten, showValue } from './value.js'

/** What was asked and what was answered. */
export function wordsOf(operation: Operation): { asked: string; answered: string } {
  const { f, key, input, output, outcome, error, asked, answer } = operation
  const reads = f === 'read' || f === 'get' || f === 'range' || f === 'txn'
  const value = input === null && (reads || f === 'delete') ? '' : ` ${showValue(input)}`
  const at = Object.entries(asked).map(([name, field]) => ` ${name}=${showValue(field)}`)
  const told = Object.entries(answer).map(([name, field]) => ` ${name}=${showValue(field)}`)
  const why = error === null ? '' : `: ${showValue(error)}`
  const answers = {
    ok: `${reads ? showValue(output) : 'ok'}${told.join('')}`,
    fail: `failed${why}`,
    info: `unknown${why}`,
  }
  return {
    asked: `${f}${key === null ? '' : ` ${typeof key === 'string' ? shorten(key) : showValue(key)}`}${value}${at.join('')}`,
    answered: answers[outcome],
  }
}

/** Rows of a table; the first is its head. Times are places in the history. */
export function counterexampleRows(counterexample: Counterexample): string[][] {
  const { operations, longest, next } = counterexample
  const place = new Map(longest.map((id, i) => [id, i + 1]))
  const why = new Map(next.map((one) => [one.id, one.why]))
  const rows = operations.map((operation) => {
    const { asked, answered } = wordsOf(operation)
    const at = place.get(operation.id)
    return [
      `#${operation.id}`,
      `${operation.process}`,
      asked,
      answered,
      `${operation.invokedAt}..${Number.isFinite(operation.completedAt) ? operation.completedAt : ''}`,
      at === undefined ? '-' : `${at}`,
      why.get(operation.id) ?? '',
    ]
  })
  return [['op', 'process', 'asked', 'answered', 'events', 'order', 'cannot be next'], ...rows]
}

/** What the table means, in a few lines. */
export function counterexampleWords(counterexample: Counterexample): string[] {
  const { operations, longest, state, next, minimal, partition } = counterexample
  const where = partition === 'null' || partition === '' ? '' : ` of key ${partition}`
  const order = longest.map((id) => `#${id}`).join(', ')
  return [
    operations.length === 1
      ? `Nothing explains what this operation${where} answered.`
      : `These ${operations.length} operations${where} have no order that explains what they answered.${minimal ? '' : ' Time ran out before they were made as few as can be.'}`,
    longest.length === 0
      ? operations.length === 1
        ? ''
        : 'None can be the first.'
      : `The longest that some of them explain: ${order}.${state === null ? '' : ` After it the value is ${state}.`}`,
    next.length === 0 || operations.length === 1
      ? ''
      : `Then ${next.map((one) => `#${one.id}`).join(' or ')} would have to be next, and ${next.length === 1 ? 'cannot' : 'none can'} be.`,
    ...counterexample.sources.map(({ value, operation }) => {
      const { asked, answered } = wordsOf(operation)
      return `The last to bring ${showValue(value)} before was #${operation.id}: process ${operation.process}, ${asked}, ${answered}.`
    }),
  ].filter((line) => line !== '')
}
