/**
 * What a node tells its peers in every handshake beside its identity: how far the cluster has formed, where clients
 * reach it, so that any node can name the leader's endpoint, which start of its directory this is, and the newest
 * starts that it met of others.
 */
import { EMPTY } from '../base/bytes.js'
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import { Reader, Writer } from '../base/varint.js'
import type { NodeId } from '../consensus/ids.js'
import { SIGNATURE_BYTES } from '../crypto/ports.js'
import {
  decodeFormationState,
  encodeFormationState,
  type FormationState,
} from '../driver/formation.js'
import {
  isPossibleStart,
  readStart,
  type SealedStart,
  type Start,
  writeStart,
} from '../driver/starts.js'

/** What the speaker says for itself. */
export interface OwnWord {
  readonly formation: FormationState
  /** `host:port`; empty: no client port. */
  readonly clientEndpoint: string
  /** Null: not told. */
  readonly start: SealedStart | null
}

export interface Announcement extends OwnWord {
  /** Of others, one of each: each is its member's word, not the speaker's. */
  readonly met: readonly SealedStart[]
  /** The speaker's, over its own word; empty where nobody signs. */
  readonly seal: Uint8Array
}

/** Of starts in one announcement; more than any cluster has members. */
const MET_MAX = 256

export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  const { formation, clientEndpoint, start, met, seal } = announcement
  const w = new Writer(512).chunk(encodeFormationState(formation)).chunk(utf8Encode(clientEndpoint))
  const starts = (start === null ? met : [start, ...met]).slice(0, MET_MAX)
  w.byte(start === null ? 0 : 1).varint(starts.length)
  for (const one of starts) writeStart(w, one)
  for (const one of starts) w.chunk(one.seal)
  return w.chunk(seal).finish()
}

/**
 * Null when the bytes are no announcement. Starts that cannot be are left out, and so is a second one of a member: each
 * may cost whoever reads it a verification. What a later version adds behind is passed over.
 */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | null {
  const r = new Reader(bytes)
  const formation = decodeFormationState(r.chunk())
  const clientEndpoint = utf8Decode(r.chunk())
  const told = r.byte() === 1
  const count = r.varint()
  if (count > MET_MAX) return null
  const unsealed: Start[] = []
  for (let i = 0; i < count && r.ok; i++) unsealed.push(readStart(r))
  // An earlier version's ends here.
  const isSealed = r.ok && r.left > 0
  const starts = unsealed.map((one) => ({ ...one, seal: isSealed ? readSeal(r) : EMPTY }))
  const seal = isSealed ? readSeal(r) : EMPTY
  if (!r.ok || formation === null) return null
  const [first] = told ? starts : []
  const start = first !== undefined && isPossible(first) ? first : null
  return { formation, clientEndpoint, start, met: oneOfEach(told ? starts.slice(1) : starts), seal }
}

/** What the speaker signs. */
export function ownWordBytes({ formation, clientEndpoint, start }: OwnWord): Uint8Array {
  const w = new Writer(512).chunk(encodeFormationState(formation)).chunk(utf8Encode(clientEndpoint))
  if (start !== null) writeStart(w, start)
  return w.finish()
}

/** A copy: it outlives the handshake. */
function readSeal(r: Reader): Uint8Array {
  return new Uint8Array(r.chunk())
}

/** It is kept and handed on as it is: nothing larger than a signature. */
function isPossible(start: SealedStart): boolean {
  const { length } = start.seal
  return isPossibleStart(start) && (length === 0 || length === SIGNATURE_BYTES)
}

function oneOfEach(starts: readonly SealedStart[]): SealedStart[] {
  const byId = new Map<NodeId, SealedStart>()
  for (const start of starts)
    if (isPossible(start) && !byId.has(start.id)) byId.set(start.id, start)
  return [...byId.values()]
}
