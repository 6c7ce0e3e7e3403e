/** How the session machine speaks of sessions. */
import { EMPTY } from '../base/bytes.js'
import { decodeAnswer } from '../machine/answers.js'
import { SESSION_IDLE_MS_MAX } from '../machine/sessions.js'
import type { SessionCodec } from './core/session.js'

export const SESSIONS: SessionCodec = {
  openCommand: EMPTY,
  idleMsMax: SESSION_IDLE_MS_MAX,
  opened(bytes) {
    const answer = decodeAnswer(bytes)
    return answer?.type === 'SessionOpened' ? answer.session : null
  },
  refused(bytes) {
    const answer = decodeAnswer(bytes)
    if (answer?.type === 'SessionExpired') return 'expired'
    return answer?.type === 'Overloaded' ? 'overloaded' : null
  },
}
