/**
 * What a node tells its peers in every handshake beside its identity: how far the cluster has formed, where clients
 * reach it, so that any node can name the leader's endpoint, which start of its directory this is, and the newest
 * starts that it met of others.
 */
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import { Reader, Writer } from '../base/varint.js'
import {
  decodeFormationState,
  encodeFormationState,
  type FormationState,
} from '../driver/formation.js'
import { readStart, type Start, writeStart } from '../driver/starts.js'

export interface Announcement {
  readonly formation: FormationState
  /** `host:port`; empty: no client port. */
  readonly clientEndpoint: string
  /** Null: not told. */
  readonly start: Start | null
  readonly met: readonly Start[]
}

/** Of starts in one announcement; more than any cluster has members. */
const MET_MAX = 256

export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  const { formation, clientEndpoint, start, met } = announcement
  const w = new Writer(512).chunk(encodeFormationState(formation)).chunk(utf8Encode(clientEndpoint))
  const starts = (start === null ? met : [start, ...met]).slice(0, MET_MAX)
  w.byte(start === null ? 0 : 1).varint(starts.length)
  for (const one of starts) writeStart(w, one)
  return w.finish()
}

/** Null when the bytes are no announcement. What a later version adds behind is passed over. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | null {
  const r = new Reader(bytes)
  const formation = decodeFormationState(r.chunk())
  const clientEndpoint = utf8Decode(r.chunk())
  const told = r.byte() === 1
  const count = r.varint()
  if (count > MET_MAX) return null
  const met: Start[] = []
  for (let i = 0; i < count && r.ok; i++) met.push(readStart(r))
  const start = told ? (met.shift() ?? null) : null
  return r.ok && formation !== null ? { formation, clientEndpoint, start, met } : null
}
