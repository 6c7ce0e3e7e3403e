/** `gateway`: etcd's API beside an application, over a PBFT cluster of which no single replica is believed. */
import { readFileSync } from 'node:fs'
import { equalBytes, toHex } from '../../base/bytes.js'
import { parseEndpoints } from '../../client/endpoints.js'
import { type ClusterKeys, readClusterFile } from '../../crypto/cluster-file.js'
import { KeyFileError, readKeyFile } from '../../crypto/key-file.js'
import type { Signer } from '../../crypto/ports.js'
import type { GatewayConfig } from '../../gateway/config.js'
import type { Address } from '../../node/config.js'
import { usageError } from '../errors.js'
import { parseUrl } from '../parse/urls.js'
import { openLog, stopper } from '../process.js'
import { checkReach } from '../serve-config.js'

/** Each time costs the cluster a place in its order. */
const WATCH_MS_MIN = 10
const WATCH_MS_MAX = 60_000

export interface GatewayFlags {
  readonly clusterFile?: string
  readonly clientKeyFile?: string
  readonly listen: string
  readonly endpoints?: string
  /** ms */
  readonly commandTimeout: number
  /** ms */
  readonly dialTimeout: number
  /** ms */
  readonly watchInterval: number
  readonly hostWhitelist?: string
  readonly cors?: string
  readonly insecure?: boolean
}

export async function gateway(flags: GatewayFlags): Promise<void> {
  const config = toGatewayConfig(flags)
  const log = openLog({ node: 'gateway' })
  const stop = stopper(log)
  const { Gateway } = await import('../../gateway/gateway.js')
  const running = await Gateway.start(config, log)
  log.info({ client: running.endpoint, replicas: config.endpoints }, 'listening')
  stop.whenAsked(() => running.close())
  await running.closed
  log.info('stopped')
}

/** Throws CliError with the first thing that is wrong. */
export function toGatewayConfig(flags: GatewayFlags): GatewayConfig {
  const { clusterFile, clientKeyFile } = flags
  if (clusterFile === undefined)
    throw usageError(
      '--cluster-file: a gateway needs the public keys of the replicas: the file that `quorate pki` made, or cluster.json in the folder of `quorate dev --protocol pbft`',
    )
  if (clientKeyFile === undefined)
    throw usageError(
      '--client-key-file: a gateway needs a private key to ask with; `quorate keygen FILE` makes one, and `quorate pki --clients` one that the cluster knows',
    )
  const { watchInterval: watchMs } = flags
  if (watchMs < WATCH_MS_MIN || watchMs > WATCH_MS_MAX)
    throw usageError(
      `--watch-interval: expected ${WATCH_MS_MIN} ms to ${WATCH_MS_MAX / 1_000} s, got ${watchMs} ms`,
    )
  const listen = listenOf(flags.listen)
  checkReach(listen, '--listen', flags.insecure === true)
  const cluster = clusterOf(clusterFile)
  const signer = signerOf(clientKeyFile)
  checkKey(signer, clientKeyFile, { cluster, clusterFile })
  return {
    listen,
    cluster,
    signer,
    endpoints: endpointsOf(flags.endpoints, cluster, clusterFile),
    http: { hosts: listOf(flags.hostWhitelist), origins: listOf(flags.cors) },
    commandTimeoutMs: flags.commandTimeout,
    dialTimeoutMs: flags.dialTimeout,
    watchMs,
  }
}

function listenOf(text: string): Address {
  const parsed = parseUrl(/^https?:/i.test(text) ? text : `http://${text}`, { portZero: true })
  if ('value' in parsed) return parsed.value
  throw usageError(`--listen: expected host:port, got ${JSON.stringify(text)}`)
}

function clusterOf(file: string): ClusterKeys {
  try {
    return readClusterFile(file)
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    if (isOfRaft(file))
      throw usageError(
        `--cluster-file: ${file} is of a cluster that runs Raft, whose nodes sign nothing: they serve etcd's API themselves, point the client at them`,
      )
    throw usageError(`--cluster-file: ${error.message}`)
  }
}

function isOfRaft(file: string): boolean {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return (
      typeof content === 'object' &&
      content !== null &&
      'protocol' in content &&
      content.protocol === 'raft'
    )
  } catch {
    return false
  }
}

function signerOf(file: string): Signer {
  try {
    return readKeyFile(file)
  } catch (error) {
    if (error instanceof KeyFileError) throw usageError(`--client-key-file: ${error.message}`)
    throw error
  }
}

function checkKey(
  { publicKey }: Signer,
  file: string,
  { cluster, clusterFile }: { readonly cluster: ClusterKeys; readonly clusterFile: string },
): void {
  const replica = cluster.replicas.find((one) => equalBytes(one.publicKey, publicKey))
  if (replica !== undefined)
    throw usageError(
      `--client-key-file: ${file} is the key of the replica ${replica.name}, with which it votes: a gateway needs a client's`,
    )
  if (cluster.allowAnonymousClients) return
  if (cluster.clients.some((one) => equalBytes(one.publicKey, publicKey))) return
  throw usageError(
    `--client-key-file: the key of ${file} (public ${toHex(publicKey)}) is none of the clients in ${clusterFile}: add it there on every node, and restart them, or use the key of ${clientsOf(cluster)}`,
  )
}

function clientsOf({ clients }: ClusterKeys): string {
  return clients.length === 0
    ? 'a client that is there'
    : clients.map(({ name }) => name).join(', ')
}

function endpointsOf(
  text: string | undefined,
  cluster: ClusterKeys,
  clusterFile: string,
): readonly string[] {
  const parsed = parseEndpoints(text === undefined ? [...cluster.endpoints.values()] : [text])
  const where = text === undefined ? clusterFile : '--endpoints'
  if ('bad' in parsed)
    throw usageError(`${where}: expected host:port, got ${JSON.stringify(parsed.bad)}`)
  const { endpoints } = parsed
  const { length: n } = cluster.replicas
  const least = Math.floor((n - 1) / 3) + 1
  if (endpoints.length >= least) return endpoints
  throw usageError(
    `--endpoints: expected the client endpoints of all ${n} replicas, at least ${least}, got ${endpoints.length}${text === undefined ? ` from ${clusterFile}` : ''}: so many must say the same to be believed`,
  )
}

function listOf(text: string | undefined): readonly string[] {
  if (text === undefined) return []
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
