/**
 * What we ask of Ed25519 beyond RFC 8032, alike in every implementation, so that no two replicas differ about a
 * signature. OpenSSL takes small-order keys and points: under such a key one signature fits many messages.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { equalBytes, fromHex } from '../base/bytes.js'
import { KeyError, PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './ports.js'

/** The eight points of small order, in their one canonical encoding. */
const SMALL_ORDER: readonly Uint8Array[] = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map((hex) => fromHex(hex) ?? new Uint8Array(0))

/**
 * Throws KeyError. A key with a part of small order passes: only its owner can have made it, it is his alone, and all
 * verifiers agree on what it signed. (Ruling it out would cost ten verifications a key, and keys come from outside.)
 */
export function checkPublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== PUBLIC_KEY_BYTES)
    throw new KeyError(`a public key has ${PUBLIC_KEY_BYTES} bytes, this one ${publicKey.length}`)
  const point = decode(publicKey)
  if (point === null)
    throw new KeyError('the public key is no point of the curve in its canonical encoding')
  if (point.isSmallOrder())
    throw new KeyError('the public key is of small order: anybody can sign under it')
}

/**
 * The half of verification that needs no arithmetic on the curve. Both implementations then compare R, as encoded,
 * with S·B - k·A: a signature with another encoding of R, or an S of the order or above, is none.
 */
export function isStrictSignature(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  const r = signature.subarray(0, 32)
  return !SMALL_ORDER.some((one) => equalBytes(one, r))
}

function decode(bytes: Uint8Array): InstanceType<typeof ed25519.Point> | null {
  try {
    return ed25519.Point.fromBytes(bytes, false)
  } catch {
    return null
  }
}
