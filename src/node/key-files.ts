/** The keys of a PBFT node, read from its files and held against the members it was told. */
import { readClusterFile } from '../crypto/cluster-file.js'
import { KeyFileError, readKeyFile } from '../crypto/key-file.js'
import type { PbftKeys } from './config.js'
import { NodeError } from './errors.js'

export interface PbftFiles {
  /** As `quorate pki` writes it. */
  readonly clusterFile: string
  /** The replica's private key: PKCS8, PEM, mode 0600. */
  readonly keyFile: string
  /**
   * The private key of the client as which this node asks for its own process: `submit` and `query` go by it. Not the
   * replica's. Absent: this node only takes part.
   */
  readonly frontDoorKeyFile?: string
}

export interface ReadKeys {
  readonly keys: PbftKeys
  /** The cluster file's: it is what signatures and handshakes name. */
  readonly token: string
}

const USAGE = 2

/** Throws NodeError: a file that is not there or no such file, or other members than `names`. */
export function readKeys(files: PbftFiles, names: readonly string[]): ReadKeys {
  try {
    const { replicas, clients, allowAnonymousClients, token } = readClusterFile(files.clusterFile)
    const told = replicas.map((one) => one.name)
    if ([...told].sort().join() !== [...names].sort().join())
      throw new NodeError(
        USAGE,
        `${files.clusterFile} names ${told.join(', ')}, and the initial cluster is ${names.join(', ')}: they must be the same nodes`,
      )
    const { frontDoorKeyFile } = files
    return {
      token,
      keys: {
        replicas,
        clients,
        allowAnonymousClients,
        signer: readKeyFile(files.keyFile),
        frontDoor: frontDoorKeyFile === undefined ? null : readKeyFile(frontDoorKeyFile),
      },
    }
  } catch (error) {
    if (error instanceof KeyFileError) throw new NodeError(USAGE, error.message)
    throw error
  }
}
