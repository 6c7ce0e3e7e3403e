/** What a client is told about a request that was ordered: one tag byte, then the body. */
import { EMPTY } from '../base/bytes.js'
import { Reader, varintLength, writeVarint } from '../base/varint.js'

export type Answer =
  /** Executed, once; `result` is the machine's. */
  | { readonly type: 'Ok'; readonly result: Uint8Array }
  | { readonly type: 'SessionOpened'; readonly session: number }
  /**
   * Not executed now: the session is unknown, or the client had said that it has this answer. Whether an
   * earlier attempt was executed cannot be told any more.
   */
  | { readonly type: 'SessionExpired' }
  /** Not executed: the session holds as many unacknowledged answers as it may. Acknowledge, then retry. */
  | { readonly type: 'Overloaded' }

export const ANSWER_TAG = { Ok: 1, SessionOpened: 2, SessionExpired: 3, Overloaded: 4 } as const

export function encodeOk(result: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + result.length)
  out[0] = ANSWER_TAG.Ok
  out.set(result, 1)
  return out
}

export function encodeAnswer(answer: Answer): Uint8Array {
  switch (answer.type) {
    case 'Ok':
      return encodeOk(answer.result)
    case 'SessionOpened': {
      const out = new Uint8Array(1 + varintLength(answer.session))
      out[0] = ANSWER_TAG.SessionOpened
      writeVarint(out, 1, answer.session)
      return out
    }
    case 'SessionExpired':
    case 'Overloaded':
      return Uint8Array.of(ANSWER_TAG[answer.type])
  }
}

/** Null when the bytes are no answer. The result is a view. */
export function decodeAnswer(bytes: Uint8Array): Answer | null {
  const reader = new Reader(bytes)
  switch (reader.byte()) {
    case ANSWER_TAG.Ok:
      return { type: 'Ok', result: bytes.length > 1 ? bytes.subarray(1) : EMPTY }
    case ANSWER_TAG.SessionOpened: {
      const session = reader.varint()
      return reader.ok && reader.left === 0 && session > 0
        ? { type: 'SessionOpened', session }
        : null
    }
    case ANSWER_TAG.SessionExpired:
      return reader.left === 0 && reader.ok ? { type: 'SessionExpired' } : null
    case ANSWER_TAG.Overloaded:
      return reader.left === 0 && reader.ok ? { type: 'Overloaded' } : null
    default:
      return null
  }
}
