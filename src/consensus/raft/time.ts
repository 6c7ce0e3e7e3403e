/**
 * Agreed time: ms that the leader puts into each entry, and says in each message. A new leader goes on from what its log
 * holds and what the last leader said.
 *
 * What a former leader said is forgotten once a later one, or a later one's entries, are heard of:
 * 1. A leads in term 1 and is cut off; its time goes on. 2. B leads in term 2, from where time stood, and grants a lease.
 * 3. A hears B, and is elected in term 3. Were it to go on from its own time, the lease would end early by as long as A
 * led nobody.
 */
import { assert } from '../../base/assert.js'
import { lastEntry } from './log.js'
import type { Leader, State } from './state.js'

/** Of the last entry, or of the snapshot where it holds the last one. */
export function timeOfLog(s: State): number {
  return s.log.entries.at(-1)?.time ?? s.log.snapshot?.time ?? 0
}

/** From the leader of this term, be it ourselves, or by an entry of it. */
export function hearTime(s: State, { term, time }: { term: number; time: number }): void {
  if (term > s.agreedTerm) {
    s.agreedTerm = term
    s.agreedTime = time
  } else if (term === s.agreedTerm) s.agreedTime = Math.max(s.agreedTime, time)
}

/** Where a new leader goes on. */
export function continuedTime(s: State): number {
  assert(lastEntry(s.log).term <= s.agreedTerm, 'an entry is of a later term than its leader')
  return Math.max(timeOfLog(s), s.agreedTime)
}

/** The leader's agreed time now (ms): it moves with its own clock, from where the last leader was heard. */
export function leaderTime(s: State, leader: Leader): number {
  return Math.max(s.agreedTime, leader.time.base + Math.max(0, s.now - leader.time.at))
}
