/** What every command that talks to a cluster shares: its flags, its client, its clock. */
import { Client } from '../client/client.js'
import { parseEndpoints } from '../client/endpoints.js'
import { EtcdClient } from '../client/etcd/client.js'
import type { ClientOptions } from '../client/options.js'
import { speaksPbft } from '../client/pbft/detect.js'
import type { ClusterKeys } from '../crypto/cluster-file.js'
import type { Signer } from '../crypto/ports.js'
import { usageError } from './errors.js'
import { note } from './output.js'
import { DEFAULT_ENDPOINTS } from './program/options.js'

export interface ClientFlags {
  readonly endpoints: string
  /** ms */
  readonly commandTimeout: number
  /** ms */
  readonly dialTimeout: number
  /** PBFT: whom to believe; absent: what Q of the endpoints say. */
  readonly clusterFile?: string
  /** PBFT: a private key; absent: one for this call alone. */
  readonly key?: string
}

export function endpointsOf(flags: ClientFlags): readonly string[] {
  const parsed = parseEndpoints([flags.endpoints])
  if ('bad' in parsed)
    throw usageError(`--endpoints: expected host:port, got ${JSON.stringify(parsed.bad)}`)
  if (parsed.endpoints.length === 0)
    throw usageError('--endpoints: expected at least one host:port, got none')
  return parsed.endpoints
}

/** Closes the client when the work is done, however it ends. */
export async function withClient<T>(
  flags: ClientFlags,
  work: (client: Client) => Promise<T>,
  extra: Partial<ClientOptions> = {},
): Promise<T> {
  const client = new Client({
    endpoints: endpointsOf(flags),
    commandTimeoutMs: flags.commandTimeout,
    dialTimeoutMs: flags.dialTimeout,
    attemptTimeoutMs: Math.min(1_500, flags.commandTimeout),
    failFast: true,
    ...extra,
  })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

/** As withClient, over etcd's API: the member that is asked is believed. */
export async function withEtcd<T>(
  flags: ClientFlags,
  work: (client: EtcdClient) => Promise<T>,
): Promise<T> {
  const client = new EtcdClient({
    endpoints: endpointsOf(flags),
    requestTimeoutMs: flags.commandTimeout,
    dialTimeoutMs: flags.dialTimeout,
    attemptTimeoutMs: Math.min(1_500, flags.commandTimeout),
  })
  try {
    return await work(client)
  } finally {
    client.close()
  }
}

/**
 * As withClient, for what goes through the log: where PBFT runs, with a client that believes f+1 replicas and no single
 * one.
 */
export async function withSubmitter<T>(
  flags: ClientFlags,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const signer = flags.key === undefined ? {} : { signer: await signerOf(flags.key) }
  if (flags.clusterFile !== undefined) {
    const cluster = await clusterOf(flags.clusterFile)
    const told = [...cluster.endpoints.values()].join(',')
    const endpoints = flags.endpoints === DEFAULT_ENDPOINTS && told !== '' ? told : flags.endpoints
    return withClient({ ...flags, endpoints }, work, { pbft: { cluster, ...signer } })
  }
  const onTrustOnFirstUse = (): void =>
    note('trust on first use: the keys are what the nodes say; name them with --cluster-file')
  return withClient(flags, async (client) => {
    if (!(await speaksPbft(client, flags.dialTimeout))) return work(client)
    return withClient(flags, work, { pbft: { onTrustOnFirstUse, ...signer } })
  })
}

async function signerOf(file: string): Promise<Signer> {
  const { readKeyFile } = await import('../crypto/key-file.js')
  return orUsage('--key', () => readKeyFile(file))
}

async function clusterOf(file: string): Promise<ClusterKeys> {
  const { readClusterFile } = await import('../crypto/cluster-file.js')
  return orUsage('--cluster-file', () => readClusterFile(file))
}

function orUsage<T>(flag: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error && error.name === 'KeyFileError')
      throw usageError(`${flag}: ${error.message}`)
    throw error
  }
}

/** All of stdin. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}
