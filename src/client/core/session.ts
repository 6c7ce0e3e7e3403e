/**
 * A client's session, as plain data: which it is, what was numbered in it, and what of that has ended. Seqs that ended
 * are acknowledged with the next request, and the state machine forgets their answers.
 */
import { nextInt, nextUint32, type RandomState } from '../../base/random.js'

/** Why a command is in doubt that an expired session refused. */
export const SESSION_EXPIRED = 'the session has expired'

/** How the state machine speaks of sessions; injected, since the client knows no machine. */
export interface SessionCodec {
  readonly openCommand: Uint8Array
  /** The session's id in the answer to `openCommand`; null when that is something else. */
  opened(answer: Uint8Array): number | null
  /** Null: executed. Else it was not: for good, or for now. */
  refused(answer: Uint8Array): 'expired' | 'overloaded' | null
  /** ms: a session that asks nothing for so long expires. */
  readonly idleMsMax: number
}

export interface SessionState {
  /** 0: none yet. */
  session: number
  /** When the newest thing that the session was told and answered was sent first: it was alive then. */
  sessionAliveAt: number
  lastSeq: number
  /** Seqs that ended: all up to here, and some beyond. */
  ackedThrough: number
  readonly endedBeyond: Set<number>
}

export function noSession(): SessionState {
  return { session: 0, sessionAliveAt: 0, lastSeq: 0, ackedThrough: 0, endedBeyond: new Set() }
}

/** The seq of an opening: 52 bits, above 0. */
export function nonce(random: RandomState): number {
  return 1 + nextInt(random, 0, 0xfffff) * 0x1_0000_0000 + nextUint32(random)
}

/** Numbers begin anew. `aliveAt`: when its opening was sent. */
export function beginSession(c: SessionState, session: number, aliveAt: number): void {
  c.session = session
  c.sessionAliveAt = aliveAt
  c.lastSeq = 0
  c.ackedThrough = 0
  c.endedBeyond.clear()
}

/**
 * What an expired session refuses is in doubt, so none is used that may be expired. Agreed time may run ahead of our clock:
 * half of the patience is left to it.
 */
export function hasIdled(c: SessionState, now: number, { idleMsMax }: SessionCodec): boolean {
  return now - c.sessionAliveAt >= idleMsMax / 2
}

/** Whatever its end: of a seq given up, a copy that still travels is refused from now on, not executed some day. */
export function seqEnded(c: SessionState, seq: number): void {
  c.endedBeyond.add(seq)
  while (c.endedBeyond.delete(c.ackedThrough + 1)) c.ackedThrough++
}
