/**
 * `Request.auth`, where clients sign: the client's public key, then a seal over the request (crypto/seals.ts), then, if the
 * client likes, a MAC for each replica (crypto/request-macs.ts). The key is who asks: a session belongs to the key that opened
 * it.
 */
import { concat, EMPTY } from '../base/bytes.js'

export const PRINCIPAL_BYTES = 32

export function makeAuth(principal: Uint8Array, seal: Uint8Array): Uint8Array {
  return concat([principal, seal])
}

/** A view of the client's public key; empty where nobody signed. */
export function principalOf(auth: Uint8Array | undefined): Uint8Array {
  return auth === undefined || auth.length < PRINCIPAL_BYTES
    ? EMPTY
    : auth.subarray(0, PRINCIPAL_BYTES)
}

/** The seal, and what stands behind it. */
export function proofOf(auth: Uint8Array): Uint8Array {
  return auth.subarray(PRINCIPAL_BYTES)
}
