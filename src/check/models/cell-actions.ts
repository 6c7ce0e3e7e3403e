/** What an operation on one cell does, told apart from how a model calls it. */
import type { Operation } from '../history.js'
import type { Value } from '../value.js'

export type Action =
  /** Needs the value. */
  | { readonly type: 'read'; readonly value: Value }
  /** Needs any other value: a compare that failed. */
  | { readonly type: 'differs'; readonly value: Value }
  | { readonly type: 'write'; readonly value: Value }
  /** With an answer it needs `expected`; without one it may have found something else and done nothing. */
  | { readonly type: 'swap'; readonly expected: Value; readonly value: Value }
  | { readonly type: 'append'; readonly value: Value }
  /** Tells nothing and does nothing. */
  | { readonly type: 'nothing' }

export interface CellOperation {
  readonly operation: Operation
  readonly action: Action
  readonly optional: boolean
}
