/**
 * A private key in a file: Ed25519, PKCS8, PEM, readable by its owner alone. Whoever reads the file can speak as the
 * replica or client, and nothing in the cluster could tell.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { signerOf } from './node.js'
import type { Signer } from './ports.js'

const KEY_FILE_MODE = 0o600
/** What others may do with a file. */
const OTHERS = 0o077
/** Larger than any key: a wrong file is not read whole. */
const KEY_FILE_BYTES_MAX = 16 * 1024

/** Says what is wrong with a file, and what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

export interface NewKey {
  readonly pem: string
  readonly publicKey: Uint8Array
}

export function generateKey(): NewKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return { pem, publicKey: signerOf(privateKey).publicKey }
}

/** On disk when it returns. Throws KeyFileError when there is a file of that name: a key is never overwritten. */
export function writeKeyFile(path: string, pem: string): void {
  let fd: number
  try {
    fd = openSync(path, 'wx', KEY_FILE_MODE)
  } catch (error) {
    if (codeOf(error) === 'EEXIST')
      throw new KeyFileError(
        `${path} exists already, and a key is never overwritten: remove it or choose another file`,
      )
    throw new KeyFileError(`${path} cannot be written: ${textOf(error)}`)
  }
  try {
    writeSync(fd, pem)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Throws KeyFileError. */
export function readKeyFile(path: string): Signer {
  return signerOf(parse(path, readPrivate(path)))
}

function readPrivate(path: string): string {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT')
      throw new KeyFileError(`${path}: there is no such key file; make one with: quorate keygen`)
    throw new KeyFileError(`${path} cannot be read: ${textOf(error)}`)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new KeyFileError(`${path} is no file`)
    if ((stat.mode & OTHERS) !== 0)
      throw new KeyFileError(
        `${path} may be read by others (mode ${(stat.mode & 0o777).toString(8)}): chmod 600 ${path}, and make a new key if others could have read it`,
      )
    if (stat.size > KEY_FILE_BYTES_MAX) throw new KeyFileError(`${path} is too large for a key`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

function parse(path: string, pem: string): ReturnType<typeof createPrivateKey> {
  if (pem.includes('BEGIN PUBLIC KEY') || pem.includes('BEGIN CERTIFICATE'))
    throw new KeyFileError(`${path} holds a public key, and the private one is needed`)
  if (pem.includes('BEGIN ENCRYPTED PRIVATE KEY'))
    throw new KeyFileError(`${path} is encrypted; expected a plain PKCS8 key, mode 600`)
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    throw new KeyFileError(`${path} is no private key: expected PEM (BEGIN PRIVATE KEY)`)
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new KeyFileError(`${path} holds a key of type ${key.asymmetricKeyType}, not ed25519`)
  return key
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
