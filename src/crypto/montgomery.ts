/**
 * Ed25519 keys as X25519 takes them (RFC 7748 §4.1): the same point of the other form of the curve, and the scalar that
 * RFC 8032 makes of the seed. So whoever knows another's public key has a secret in common with it, without a message.
 */
import { ed25519 } from '@noble/curves/ed25519.js'

/** Null: it is no point of the curve, or none that keeps a secret. */
export function montgomeryOf(publicKey: Uint8Array): Uint8Array | null {
  try {
    const point = ed25519.Point.fromBytes(publicKey, false)
    return point.isSmallOrder() ? null : ed25519.utils.toMontgomery(publicKey)
  } catch {
    return null
  }
}

export function montgomerySecretOf(seed: Uint8Array): Uint8Array {
  return ed25519.utils.toMontgomerySecret(new Uint8Array(seed))
}
