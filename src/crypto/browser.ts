/** The suite where there is no node:crypto: pure JavaScript, some ten times slower, and of the same opinion. */
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { concat, equalBytes } from '../base/bytes.js'
import { montgomeryOf, montgomerySecretOf } from './montgomery.js'
import { KeyError, type Suite, type Verifier } from './ports.js'
import { checkPublicKey, isStrictSignature } from './strict.js'

const SEED_BYTES = 32

type Point = InstanceType<typeof ed25519.Point>

export const browserSuite: Suite = {
  digest: (bytes) => sha256(bytes),
  mac: (key, bytes) => hmac(sha256, key, bytes),
  signer: (seed) => {
    if (seed.length !== SEED_BYTES)
      throw new KeyError(`a private key has ${SEED_BYTES} bytes, this one ${seed.length}`)
    const secret = new Uint8Array(seed)
    return {
      publicKey: ed25519.getPublicKey(secret),
      sign: (bytes) => ed25519.sign(bytes, secret),
      agree: (publicKey) => {
        const point = montgomeryOf(publicKey)
        if (point === null) return null
        try {
          return x25519.getSharedSecret(montgomerySecretOf(secret), point)
        } catch {
          return null
        }
      },
    }
  },
  verifier: (publicKey) => verifierOf(new Uint8Array(publicKey)),
}

function verifierOf(publicKey: Uint8Array): Verifier {
  checkPublicKey(publicKey)
  const negated = ed25519.Point.fromBytes(publicKey, false).negate()
  return {
    publicKey,
    verify: (bytes, signature) =>
      isStrictSignature(signature) && verifyEquation(negated, publicKey, bytes, signature),
  }
}

/**
 * S·B - k·A, encoded, is R. Not the library's own `verify`, which multiplies both sides by eight: it takes signatures
 * whose R has a part of small order, which OpenSSL refuses, and a client would differ from its servers.
 */
function verifyEquation(
  negated: Point,
  publicKey: Uint8Array,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const r = signature.subarray(0, 32)
  const s = numberOf(signature.subarray(32))
  const { n } = ed25519.Point.CURVE()
  if (s >= n) return false
  const k = numberOf(sha512(concat([r, publicKey, bytes]))) % n
  const base = ed25519.Point.BASE.multiplyUnsafe(s)
  return equalBytes(base.add(negated.multiplyUnsafe(k)).toBytes(), r)
}

function numberOf(littleEndian: Uint8Array): bigint {
  let value = 0n
  for (let i = littleEndian.length - 1; i >= 0; i--)
    value = (value << 8n) | BigInt(littleEndian[i] ?? 0)
  return value
}
