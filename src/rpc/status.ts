/** gRPC's canonical codes and the one error that crosses the wall. */

export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

export type Code = (typeof Code)[keyof typeof Code]

/** Keys are lower case; a key that ends in `-bin` holds base64 of its bytes. */
export type Trailers = Readonly<Record<string, string>>

/**
 * A call that did not end OK. On the server, thrown by a handler: code, message and trailers reach the caller;
 * anything else that is thrown reaches it as INTERNAL without its text, which may hold what is not the caller's.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: Code
  readonly trailers: Trailers

  constructor(code: Code, message: string, trailers: Trailers = {}) {
    super(message)
    this.code = code
    this.trailers = trailers
  }
}

const NAMES = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]))

/** `NOT_FOUND` for 5; the number itself for a code that gRPC does not have. */
export function codeName(code: number): string {
  return NAMES.get(code) ?? String(code)
}

/** A code from the wire; what gRPC does not know is UNKNOWN. */
export function toCode(code: number): Code {
  for (const known of Object.values(Code)) if (known === code) return known
  return Code.UNKNOWN
}
