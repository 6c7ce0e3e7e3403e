/** `quorate keygen`: one key, for a replica or a client. */
import { toHex } from '../../base/bytes.js'
import { generateKey, readKeyFile, writeKeyFile } from '../../crypto/key-file.js'
import { print, printJson } from '../output.js'
import { asUsage } from './pki.js'

interface KeygenFlags {
  readonly public?: boolean
  readonly json?: boolean
}

/** Writes the private key; prints the public one. With `--public` it only reads the file that is there. */
export function keygen(file: string, flags: KeygenFlags): void {
  const publicKey = toHex(asUsage(() => (flags.public === true ? publicOf(file) : make(file))))
  if (flags.json === true) printJson({ file, publicKey })
  else print(publicKey)
}

function publicOf(file: string): Uint8Array {
  return readKeyFile(file).publicKey
}

function make(file: string): Uint8Array {
  const { pem, publicKey } = generateKey()
  writeKeyFile(file, pem)
  return publicKey
}
