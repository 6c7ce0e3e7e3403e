/**
 * Asserts stay on in production: an impossible state stops the node before it can lie.
 * They guard what our own code must keep true, never what a message or a file says.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert(condition: boolean, message = 'assertion failed'): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Closes a switch over a union: a case that is not handled does not compile. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}

/** The value, which the caller knows to be there. */
export function present<T>(value: T | undefined | null, what = 'value'): T {
  if (value === undefined || value === null) throw new AssertionError(`${what} is missing`)
  return value
}
