/**
 * What Quorate asks of cryptography, as pure and synchronous functions. node.ts and browser.ts implement it for real
 * and agree on every input; fake.ts is the simulator's.
 */

/** Raw Ed25519: 32 bytes. */
export const PUBLIC_KEY_BYTES = 32
export const SIGNATURE_BYTES = 64

export interface Suite {
  /** SHA-256. */
  digest(bytes: Uint8Array): Uint8Array
  /** HMAC-SHA256. */
  mac(key: Uint8Array, bytes: Uint8Array): Uint8Array
  /** From the 32 secret bytes of RFC 8032. */
  signer(seed: Uint8Array): Signer
  /** Throws KeyError when no honest key looks like this. */
  verifier(publicKey: Uint8Array): Verifier
}

export interface Signer {
  readonly publicKey: Uint8Array
  /** Deterministic: what is signed again is the same signature. */
  sign(bytes: Uint8Array): Uint8Array
  /**
   * 32 bytes that the owner of the other key computes too, and nobody else: X25519 over the keys' Montgomery forms. Null: with
   * such a key nothing is secret.
   */
  agree(publicKey: Uint8Array): Uint8Array | null
}

export interface Verifier {
  readonly publicKey: Uint8Array
  /** False whatever is wrong; never throws. */
  verify(bytes: Uint8Array, signature: Uint8Array): boolean
}

export interface NamedKey {
  readonly name: string
  readonly publicKey: Uint8Array
}

/** A key that must not be used, and why. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}
