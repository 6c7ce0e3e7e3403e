/** The suite of servers: node:crypto, strict. */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { latin1Encode } from '../base/utf8.js'
import { KeyError, type Signer, type Suite, type Verifier } from './ports.js'
import { checkPublicKey, isStrictSignature } from './strict.js'

const SEED_BYTES = 32
/** PKCS8 and SPKI of Ed25519, up to the raw key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export const nodeSuite: Suite = {
  // In one call and by way of a string: a third of what a Hash costs, and nothing for the collector to trace.
  digest: (bytes) => latin1Encode(hash('sha256', bytes, 'binary')),
  mac: (key, bytes) => plain(createHmac('sha256', key).update(bytes).digest()),
  signer: (seed) => {
    if (seed.length !== SEED_BYTES)
      throw new KeyError(`a private key has ${SEED_BYTES} bytes, this one ${seed.length}`)
    const der = Buffer.concat([PKCS8_PREFIX, seed])
    return signerOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  },
  verifier: (publicKey) => verifierOf(publicKey),
}

/** Of an Ed25519 private key. */
export function signerOf(key: KeyObject): Signer {
  return { publicKey: rawPublicKey(key), sign: (bytes) => plain(sign(null, bytes, key)) }
}

function verifierOf(publicKey: Uint8Array): Verifier {
  checkPublicKey(publicKey)
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, publicKey]),
    format: 'der',
    type: 'spki',
  })
  return {
    publicKey: new Uint8Array(publicKey),
    verify: (bytes, signature) =>
      isStrictSignature(signature) && verify(null, bytes, key, signature),
  }
}

/** The same bytes, not as a Buffer: its `slice` would be no copy. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(SPKI_PREFIX.length))
}
