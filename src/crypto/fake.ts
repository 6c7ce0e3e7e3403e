/**
 * Crypto of the simulator: cheap, and unforgeable by agreement. A signature is a hash over the signer's name and the
 * bytes; nobody in a simulation computes another's. Never for anything real.
 */
import { concat, equalBytes } from '../base/bytes.js'
import { utf8Encode } from '../base/utf8.js'
import { KeyError, PUBLIC_KEY_BYTES, type Suite } from './ports.js'

const DIGEST_BYTES = 32
const LANES = 4

export interface FakeKeys {
  digest(bytes: Uint8Array): Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

/** The digest that all share, and the signature of this replica. */
export function fakeKeys(id: string): FakeKeys {
  const name = utf8Encode(id)
  return { digest: (bytes) => hash(bytes, EMPTY_NAME), sign: (bytes) => hash(bytes, name) }
}

export function fakeVerify(id: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const expected = hash(bytes, utf8Encode(id))
  return signature.length === DIGEST_BYTES && expected.every((byte, i) => byte === signature[i])
}

/** The whole port, with keys and signatures as long as the real ones. */
export const fakeSuite: Suite = {
  digest: (bytes) => hash(bytes, EMPTY_NAME),
  mac: (key, bytes) => hash(bytes, key),
  signer: (seed) => {
    const publicKey = hash(seed, utf8Encode('public'))
    return { publicKey, sign: (bytes) => fakeSignature(publicKey, bytes) }
  },
  verifier: (publicKey) => {
    if (publicKey.length !== PUBLIC_KEY_BYTES) throw new KeyError('no public key')
    return {
      publicKey,
      verify: (bytes, signature) => equalBytes(signature, fakeSignature(publicKey, bytes)),
    }
  },
}

const EMPTY_NAME = new Uint8Array(0)

function fakeSignature(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  const first = hash(bytes, publicKey)
  return concat([first, hash(first, publicKey)])
}

/** Four lanes of multiply and xor, stirred at the end: no collisions by accident. */
function hash(bytes: Uint8Array, name: Uint8Array): Uint8Array {
  const lanes = new Uint32Array(LANES)
  const whole = bytes.length - (bytes.length % 4)
  for (let lane = 0; lane < LANES; lane++) {
    let h = Math.imul(0x9e3779b1, lane + 1) ^ name.length
    for (const byte of name) h = Math.imul(h ^ byte, 0x85ebca6b) ^ (h >>> 15)
    const factor = 0xc2b2ae35 + 2 * lane
    // Four bytes at a time: this is where a simulation would spend its time.
    for (let i = 0; i < whole; i += 4) {
      h = Math.imul(h ^ wordAt(bytes, i), factor)
      h ^= h >>> 13
    }
    for (let i = whole; i < bytes.length; i++)
      h = Math.imul(h ^ (bytes[i] ?? 0), factor) ^ (h >>> 13)
    lanes[lane] = h ^ bytes.length
  }
  const out = new Uint8Array(DIGEST_BYTES)
  const view = new DataView(out.buffer)
  for (let i = 0; i < DIGEST_BYTES / 4; i++) {
    const a = lanes[i % LANES] ?? 0
    const b = lanes[(i + 1) % LANES] ?? 0
    let h = Math.imul(a ^ (b >>> 16) ^ i, 0x27d4eb2f)
    h = Math.imul(h ^ (h >>> 15) ^ b, 0x165667b1)
    view.setUint32(4 * i, h ^ (h >>> 13))
  }
  return out
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  )
}
