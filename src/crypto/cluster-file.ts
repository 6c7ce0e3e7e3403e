/**
 * `cluster.json` of a PBFT cluster: who belongs to it, with public keys. It holds no secret, and who may change it
 * decides whom everybody believes. `quorate pki` writes it, and `quorate dev` with ports beside the keys.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { fromHex, toHex } from '../base/bytes.js'
import { isNodeId } from '../consensus/ids.js'
import { clusterIdOf } from './cluster-id.js'
import { KeyFileError } from './key-file.js'
import type { NamedKey } from './keyring.js'
import { KeyError } from './ports.js'
import { checkPublicKey } from './strict.js'

const CLUSTER_FILE_VERSION = 1
/**
 * Of a cluster, f = 5: with more, a NEW-VIEW that shows a full window (Q view changes, each with Q signatures an index) may be
 * larger than any message between peers, and the cluster could not change its view.
 */
export const NODES_MAX = 16
const LOOPBACK = '127.0.0.1'

const Name = z.string().refine(isNodeId, 'expected a name of A-Z a-z 0-9 . _ -, 1 to 63 characters')
const PublicKey = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits in lower case')
const ClusterFile = z.looseObject({
  version: z.literal(CLUSTER_FILE_VERSION),
  protocol: z.literal('pbft'),
  token: z.string().min(1),
  nodes: z
    .array(
      z.looseObject({
        name: Name,
        publicKey: PublicKey,
        endpoint: z.string().optional(),
        clientPort: z.int().min(1).max(65_535).optional(),
      }),
    )
    .min(4, 'expected at least 4 nodes: with fewer, none may lie')
    .max(NODES_MAX),
  clients: z.array(z.looseObject({ name: Name, publicKey: PublicKey })).default([]),
  allowAnonymousClients: z.boolean().default(false),
})

/** What a replica or a client takes from it. */
export interface ClusterKeys {
  readonly clusterId: string
  readonly token: string
  readonly replicas: readonly NamedKey[]
  readonly clients: readonly NamedKey[]
  /** Whether keys of clients that are not listed are accepted. */
  readonly allowAnonymousClients: boolean
  /** Name to `host:port`; those that the file tells. */
  readonly endpoints: ReadonlyMap<string, string>
}

export interface ClusterFileContent {
  readonly token: string
  readonly nodes: readonly NamedKey[]
  readonly clients: readonly NamedKey[]
  readonly allowAnonymousClients: boolean
}

export function encodeClusterFile({
  token,
  nodes,
  clients,
  allowAnonymousClients,
}: ClusterFileContent): string {
  const named = ({ name, publicKey }: NamedKey) => ({ name, publicKey: toHex(publicKey) })
  const content = {
    version: CLUSTER_FILE_VERSION,
    protocol: 'pbft',
    token,
    nodes: nodes.map(named),
    clients: clients.map(named),
    allowAnonymousClients,
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

/** Throws KeyFileError: not there, not a cluster of PBFT, a bad key, a name or a key twice. */
export function readClusterFile(path: string): ClusterKeys {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new KeyFileError(`cluster file ${path} cannot be read: ${why}`)
  }
  try {
    return parseClusterFile(text)
  } catch (error) {
    if (error instanceof KeyFileError || error instanceof KeyError || error instanceof SyntaxError)
      throw new KeyFileError(`cluster file ${path}: ${error.message}`)
    throw error
  }
}

export function parseClusterFile(text: string): ClusterKeys {
  const parsed = ClusterFile.safeParse(JSON.parse(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new KeyFileError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`)
  }
  const { token, nodes, clients, allowAnonymousClients } = parsed.data
  refuseTwice([...nodes, ...clients])
  const endpoints = new Map<string, string>()
  for (const { name, endpoint, clientPort } of nodes) {
    if (endpoint !== undefined) endpoints.set(name, endpoint)
    else if (clientPort !== undefined) endpoints.set(name, `${LOOPBACK}:${clientPort}`)
  }
  const names = nodes.map(({ name }) => name)
  return {
    clusterId: clusterIdOf(token, names),
    token,
    replicas: nodes.map(toNamedKey),
    clients: clients.map(toNamedKey),
    allowAnonymousClients,
    endpoints,
  }
}

function refuseTwice(all: readonly { readonly name: string; readonly publicKey: string }[]): void {
  const names = new Set<string>()
  const keys = new Map<string, string>()
  for (const { name, publicKey } of all) {
    if (names.has(name)) throw new KeyFileError(`${name} is there twice`)
    names.add(name)
    const owner = keys.get(publicKey)
    if (owner !== undefined) throw new KeyFileError(`${owner} and ${name} have the same key`)
    keys.set(publicKey, name)
  }
}

function toNamedKey(of: { readonly name: string; readonly publicKey: string }): NamedKey {
  const publicKey = fromHex(of.publicKey) ?? new Uint8Array(0)
  try {
    checkPublicKey(publicKey)
  } catch (error) {
    if (error instanceof KeyError) throw new KeyError(`key of ${of.name}: ${error.message}`)
    throw error
  }
  return { name: of.name, publicKey }
}
