/**
 * Crypto of the simulator: cheap, and unforgeable by agreement. A signature is a hash over the signer's name and the
 * bytes; nobody in a simulation computes another's. Never for anything real.
 */
import { concat, equalBytes } from '../base/bytes.js'
import { utf8Encode } from '../base/utf8.js'
import { KeyError, PUBLIC_KEY_BYTES, type Suite } from './ports.js'

const DIGEST_BYTES = 32
const LANES = 4
const FACTOR = 0xc2b2ae35

export interface FakeKeys {
  digest(bytes: Uint8Array): Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

/** The digest that all share, and the signature of this replica. */
export function fakeKeys(id: string): FakeKeys {
  const name = utf8Encode(id)
  return { digest: fakeDigest, sign: (bytes) => hash(bytes, name) }
}

function fakeDigest(bytes: Uint8Array): Uint8Array {
  return hash(bytes, EMPTY_NAME)
}

export function fakeVerify(id: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  return equalBytes(hash(bytes, nameOf(id)), signature)
}

/** The whole port, with keys and signatures as long as the real ones. */
export const fakeSuite: Suite = {
  digest: fakeDigest,
  mac: (key, bytes) => hash(bytes, key),
  signer: (seed) => {
    const publicKey = hash(seed, utf8Encode('public'))
    return {
      publicKey,
      sign: (bytes) => fakeSignature(publicKey, bytes),
      agree: (other) => fakeAgreement(publicKey, other),
    }
  },
  verifier: (publicKey) => {
    if (publicKey.length !== PUBLIC_KEY_BYTES) throw new KeyError('no public key')
    return {
      publicKey,
      verify: (bytes, signature) => equalBytes(signature, fakeSignature(publicKey, bytes)),
    }
  },
}

/** Few, and asked for with every signature. */
const NAMES = new Map<string, Uint8Array>()
const NAMES_MAX = 256

function nameOf(id: string): Uint8Array {
  let name = NAMES.get(id)
  if (name === undefined) {
    name = utf8Encode(id)
    if (NAMES.size < NAMES_MAX) NAMES.set(id, name)
  }
  return name
}

const EMPTY_NAME = new Uint8Array(0)

/** The same from either side. */
function fakeAgreement(a: Uint8Array, b: Uint8Array): Uint8Array | null {
  if (b.length !== PUBLIC_KEY_BYTES) return null
  const [one, other] = [hash(a, utf8Encode('secret')), hash(b, utf8Encode('secret'))]
  return one.map((byte, i) => byte ^ (other[i] ?? 0))
}

function fakeSignature(publicKey: Uint8Array, bytes: Uint8Array): Uint8Array {
  const first = hash(bytes, publicKey)
  return concat([first, hash(first, publicKey)])
}

/** Four lanes of multiply and xor, stirred at the end: no collisions by accident. */
function hash(bytes: Uint8Array, name: Uint8Array): Uint8Array {
  let a = laneOf(0, name)
  let b = laneOf(1, name)
  let c = laneOf(2, name)
  let d = laneOf(3, name)
  const whole = bytes.length - (bytes.length % 4)
  // Four bytes at a time in all lanes at once: this is where a simulation would spend its time.
  for (let i = 0; i < whole; i += 4) {
    const word = wordAt(bytes, i)
    a = Math.imul(a ^ word, FACTOR)
    a ^= a >>> 13
    b = Math.imul(b ^ word, FACTOR + 2)
    b ^= b >>> 13
    c = Math.imul(c ^ word, FACTOR + 4)
    c ^= c >>> 13
    d = Math.imul(d ^ word, FACTOR + 6)
    d ^= d >>> 13
  }
  for (let i = whole; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    a = Math.imul(a ^ byte, FACTOR) ^ (a >>> 13)
    b = Math.imul(b ^ byte, FACTOR + 2) ^ (b >>> 13)
    c = Math.imul(c ^ byte, FACTOR + 4) ^ (c >>> 13)
    d = Math.imul(d ^ byte, FACTOR + 6) ^ (d >>> 13)
  }
  const { length } = bytes
  const out = new Uint8Array(DIGEST_BYTES)
  a ^= length
  b ^= length
  c ^= length
  d ^= length
  for (let i = 0; i < DIGEST_BYTES; i += 4 * LANES) {
    stir(out, i, a, b)
    stir(out, i + 4, b, c)
    stir(out, i + 8, c, d)
    stir(out, i + 12, d, a)
  }
  return out
}

function laneOf(lane: number, name: Uint8Array): number {
  let h = Math.imul(0x9e3779b1, lane + 1) ^ name.length
  for (const byte of name) h = Math.imul(h ^ byte, 0x85ebca6b) ^ (h >>> 15)
  return h
}

function stir(out: Uint8Array, at: number, lane: number, next: number): void {
  let h = Math.imul(lane ^ (next >>> 16) ^ (at / 4), 0x27d4eb2f)
  h = Math.imul(h ^ (h >>> 15) ^ next, 0x165667b1)
  h ^= h >>> 13
  out[at] = h >>> 24
  out[at + 1] = h >>> 16
  out[at + 2] = h >>> 8
  out[at + 3] = h
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  )
}
