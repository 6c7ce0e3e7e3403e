/** How the session machine's answers read to the simulator's clients. */
import { assert } from '../base/assert.js'
import { EMPTY } from '../base/bytes.js'
import { decodeAnswer } from '../machine/answers.js'
import { SESSION_IDLE_MS_MAX } from '../machine/sessions.js'
import type { SimSessionCodec } from './clients/client.js'

export const sessionCodec: SimSessionCodec = {
  openCommand: EMPTY,
  // What production has: clusters whose sessions expire sooner look to a client like clocks that leap.
  idleMsMax: SESSION_IDLE_MS_MAX,
  opened: (bytes) => {
    const answer = decodeAnswer(bytes)
    return answer?.type === 'SessionOpened' ? answer.session : null
  },
  refused: (bytes) => {
    const answer = decodeAnswer(bytes)
    if (answer?.type === 'SessionExpired') return 'expired'
    return answer?.type === 'Overloaded' ? 'overloaded' : null
  },
  isContent: (bytes) => decodeAnswer(bytes)?.type === 'Ok',
  content: (bytes) => {
    const answer = decodeAnswer(bytes)
    assert(answer?.type === 'Ok', 'an answer that the session machine did not give')
    return answer.result
  },
}
