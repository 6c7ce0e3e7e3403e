/**
 * What a node tells its peers in every handshake beside its identity: how far the cluster has formed, and where
 * clients reach it, so that any node can name the leader's endpoint.
 */
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import { Reader, Writer } from '../base/varint.js'
import {
  decodeFormationState,
  encodeFormationState,
  type FormationState,
} from '../driver/formation.js'

export interface Announcement {
  readonly formation: FormationState
  /** `host:port`; empty: no client port. */
  readonly clientEndpoint: string
}

export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  return new Writer(256)
    .chunk(encodeFormationState(announcement.formation))
    .chunk(utf8Encode(announcement.clientEndpoint))
    .finish()
}

/** Null when the bytes are no announcement. What a later version adds behind is passed over. */
export function decodeAnnouncement(bytes: Uint8Array): Announcement | null {
  const r = new Reader(bytes)
  const formation = decodeFormationState(r.chunk())
  const clientEndpoint = utf8Decode(r.chunk())
  return r.ok && formation !== null ? { formation, clientEndpoint } : null
}
