/** The models that come down to cells: registers, the keys of a key-value store, locks. */
import { HistoryError, type Operation } from '../history.js'
import type { Model } from '../model.js'
import { encodeValue, isList, type Value } from '../value.js'
import { arrangeCell, contradictionInCell } from './cell.js'
import type { Action, CellOperation } from './cell-actions.js'
import { contradictionOfOwners, ownerOf } from './lock-order.js'

export interface CellOptions {
  /**
   * A compare-and-set that failed without an error: `ignored`, it did not happen, as Jepsen means it; `observed`, it
   * looked and found another value, as Porcupine reads it.
   */
  readonly failedCas?: 'ignored' | 'observed'
}

/** `read` and `write`. */
export function register(): Model {
  return cells('register', new Set(['read', 'write']), {})
}

/** `read`, `write`, and `cas` of `[expected, new]`. */
export function casRegister(options: CellOptions = {}): Model {
  return cells('cas-register', new Set(['read', 'write', 'cas']), options)
}

/** `get`, `put`, `append`, `cas` and `delete` of one key each. */
export function keyValue(options: CellOptions = {}): Model {
  const words = ['get', 'read', 'put', 'write', 'append', 'cas', 'delete']
  return cells('kv', new Set(words), options)
}

function cells(name: string, words: ReadonlySet<string>, options: CellOptions): Model {
  const cellOperations = (operations: readonly Operation[]) =>
    operations.map((operation) => {
      if (!words.has(operation.f))
        throw new HistoryError(
          `${name} knows ${[...words].join(', ')}, not ${operation.f} (process ${operation.process})`,
        )
      return cellOperation(operation, actionOf(operation, options))
    })
  return {
    name,
    partitionOf: (operation) => encodeValue(operation.key),
    contradictionIn: (operations) => contradictionInCell(cellOperations(operations)),
    arrange: (operations, exact = false) => arrangeCell(cellOperations(operations), exact),
  }
}

/** `acquire` and `release`; the owner is the value, or else the process. */
export function lock(): Model {
  return {
    name: 'lock',
    partitionOf: (operation) => encodeValue(operation.key),
    contradictionIn: contradictionOfOwners,
    arrange: (operations, exact = false) =>
      arrangeCell(
        operations.map((operation) => {
          const owner = ownerOf(operation)
          if (operation.outcome === 'fail') return cellOperation(operation, { type: 'nothing' })
          switch (operation.f) {
            case 'acquire':
              return cellOperation(operation, { type: 'swap', expected: null, value: owner })
            case 'release':
              return cellOperation(operation, { type: 'swap', expected: owner, value: null })
            default:
              throw new HistoryError(`lock knows acquire and release, not ${operation.f}`)
          }
        }),
        exact,
      ),
  }
}

function cellOperation(operation: Operation, action: Action): CellOperation {
  return { operation, action, optional: operation.outcome === 'info' }
}

function actionOf(operation: Operation, options: CellOptions): Action {
  const { f, input, output, outcome } = operation
  if (outcome === 'fail')
    return f === 'cas' && options.failedCas === 'observed' && comparedOnly(operation)
      ? { type: 'differs', value: pairOf(operation).expected }
      : { type: 'nothing' }
  switch (f) {
    case 'read':
    case 'get':
      return outcome === 'ok' ? { type: 'read', value: output } : { type: 'nothing' }
    case 'cas':
      return { type: 'swap', ...pairOf(operation) }
    case 'append':
      return { type: 'append', value: input }
    case 'delete':
      return { type: 'write', value: null }
    default:
      return { type: 'write', value: input }
  }
}

/** A failure that repeats what was asked, rather than saying what went wrong. */
function comparedOnly({ input, output, error }: Operation): boolean {
  return error === null && (output === null || encodeValue(output) === encodeValue(input))
}

function pairOf({ input, process }: Operation): { expected: Value; value: Value } {
  if (!isList(input) || input.length !== 2)
    throw new HistoryError(`process ${process}: the value of cas is [expected, new]`)
  return { expected: input[0] ?? null, value: input[1] ?? null }
}
