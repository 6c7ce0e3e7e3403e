/**
 * What a replica says of itself in handshakes, under its key. Whoever reaches the peer port can take a member's name, and
 * what is told of a third is handed on: a start that nobody made would stop its member for good (driver/starts.ts), and
 * a list that nobody formed with would be a false cluster (driver/formation.ts).
 */
import { EMPTY } from '../base/bytes.js'
import { Writer } from '../base/varint.js'
import { writeText } from '../consensus/encoding.js'
import type { NodeId } from '../consensus/ids.js'
import type { Keyring } from './keyring.js'
import type { Voice } from './sealed.js'

/** `start`: one start of its own directory. `announcement`: all that it says beside what it hands on of others. */
export type HandshakePurpose = 'start' | 'announcement'

export interface HandshakeSeals {
  /** By this node. */
  seal(purpose: HandshakePurpose, bytes: Uint8Array): Uint8Array
  isGood(by: NodeId, purpose: HandshakePurpose, bytes: Uint8Array, seal: Uint8Array): boolean
}

/** Where members believe each other: there are no keys. */
export const NO_SEALS: HandshakeSeals = { seal: () => EMPTY, isGood: () => true }

export function handshakeSeals(name: NodeId, voice: Voice, keyring: Keyring): HandshakeSeals {
  const { clusterId, signer } = voice
  return {
    seal: (purpose, bytes) => signer.sign(handshakeBytes(clusterId, { by: name, purpose, bytes })),
    isGood: (by, purpose, bytes, seal) =>
      keyring.verifyBytes(by, handshakeBytes(clusterId, { by, purpose, bytes }), seal),
  }
}

/**
 * Begins as nothing else that a replica signs: statements and the roots of seals have contexts of their own, and so has
 * each purpose.
 */
export function handshakeBytes(
  clusterId: string,
  said: { readonly by: NodeId; readonly purpose: HandshakePurpose; readonly bytes: Uint8Array },
): Uint8Array {
  const w = new Writer(128 + said.bytes.length)
  writeText(w, `quorate-pbft-${said.purpose}-1`)
  writeText(w, clusterId)
  writeText(w, said.by)
  return w.chunk(said.bytes).finish()
}
