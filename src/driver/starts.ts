/**
 * Tells an old copy of a data directory. A directory counts its starts, durably, before it says a word; each start has
 * an incarnation of its own. Peers remember the newest start they met of each member, and say so in every handshake.
 * A directory that was put back from a copy has the members' uid and an honest log, and has forgotten what it promised
 * since:
 * 1. A votes for B in term 5. 2. A's directory is put back as it was in term 4. 3. A votes for C in term 5.
 * It is told by a start that somebody met and that it does not know of, or that was another start of the same number:
 * the copy counts on from where it was made. A copy of the very life that ran last is not told by anything.
 * Where members do not trust each other, a start is its member's own word, under its key: a directory signs only starts
 * that it made, so that a later one, whoever tells of it and however often, is the proof of a real one.
 */
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import { type Reader, Writer } from '../base/varint.js'
import type { NodeId } from '../consensus/ids.js'

/** One start of one member's data directory. */
export interface Start {
  readonly id: NodeId
  readonly uid: string
  /** 1 is the first. */
  readonly number: number
  /** Random; fresh at each start. */
  readonly incarnation: number
}

/** With its member's signature (crypto/handshake-seals.ts): who hands it on cannot have made it up. */
export interface SealedStart extends Start {
  /** Empty where nobody signs. */
  readonly seal: Uint8Array
}

export type StartVerdict =
  /** To be remembered, durably, before a message of it is taken. */
  | 'newer'
  | 'known'
  /** It must not take part: a later one was met. */
  | 'older'

/** What `start` is to somebody who has met `met` (undefined: nobody of that name). */
export function judgeStart(start: Start, met: Start | undefined): StartVerdict {
  // Another directory under the name: who is a member is not decided by starts.
  if (met === undefined || met.uid !== start.uid) return 'newer'
  if (start.number > met.number) return 'newer'
  if (start.number < met.number) return 'older'
  return start.incarnation === met.incarnation ? 'known' : 'older'
}

/** A directory counts from 1. */
export function isPossibleStart({ number, incarnation }: Start): boolean {
  return Number.isSafeInteger(number) && number >= 1 && Number.isSafeInteger(incarnation)
}

/** The newest starts met, one of each member. */
export class StartsMet<S extends Start = Start> {
  readonly #byId = new Map<NodeId, S>()

  constructor(starts: readonly S[] = []) {
    for (const start of starts) this.#byId.set(start.id, start)
  }

  get all(): readonly S[] {
    return [...this.#byId.values()]
  }

  of(id: NodeId): S | undefined {
    return this.#byId.get(id)
  }

  /** Remembers it if it is newer. */
  meet(start: S): StartVerdict {
    const verdict = judgeStart(start, this.#byId.get(start.id))
    if (verdict === 'newer') this.#byId.set(start.id, start)
    return verdict
  }
}

export function writeStart(w: Writer, start: Start): void {
  w.chunk(utf8Encode(start.id)).chunk(utf8Encode(start.uid))
  w.varint(start.number).varint(start.incarnation)
}

/** What its member signs. */
export function startBytes(start: Start): Uint8Array {
  const w = new Writer(128)
  writeStart(w, start)
  return w.finish()
}

export function readStart(r: Reader): Start {
  return {
    id: utf8Decode(r.chunk()),
    uid: utf8Decode(r.chunk()),
    number: r.varint(),
    incarnation: r.varint(),
  }
}
