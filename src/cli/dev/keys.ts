/** The keys of a development cluster that runs PBFT: a replica's and a front door's for each node, in DIR/keys. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../../base/bytes.js'
import { generateKey, KeyFileError, readKeyFile, writeKeyFile } from '../../crypto/key-file.js'
import { CliError, EXIT } from '../errors.js'
import type { Cluster } from './folder.js'

const FOLDER = 'keys'
/** Only this user's, whatever the umask is. */
const FOLDER_MODE = 0o700

export function keyFileOf(dir: string, name: string): string {
  return join(dir, FOLDER, `${name}.key`)
}

/** The client as which a node asks for those who trust it. */
export function frontDoorOf(name: string): string {
  return `${name}-door`
}

/** The cluster with its public keys; keys that are not there yet are made. Throws CliError. */
export function withKeys(dir: string, cluster: Cluster): Cluster {
  if (cluster.protocol !== 'pbft') return cluster
  const folder = join(dir, FOLDER)
  if (!existsSync(folder)) mkdirSync(folder)
  chmodSync(folder, FOLDER_MODE)
  const publicKeyOf = (name: string): string => {
    const file = keyFileOf(dir, name)
    try {
      if (existsSync(file)) return toHex(readKeyFile(file).publicKey)
      const { pem, publicKey } = generateKey()
      writeKeyFile(file, pem)
      return toHex(publicKey)
    } catch (error) {
      if (error instanceof KeyFileError) throw new CliError(EXIT.dataRefused, error.message)
      throw error
    }
  }
  return {
    ...cluster,
    nodes: cluster.nodes.map((seat) => ({ ...seat, publicKey: publicKeyOf(seat.name) })),
    clients: cluster.nodes.map(({ name }) => {
      const client = frontDoorOf(name)
      return { name: client, publicKey: publicKeyOf(client) }
    }),
    allowAnonymousClients: true,
  }
}
