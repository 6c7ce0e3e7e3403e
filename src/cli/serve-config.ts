/**
 * From what was written to a checked NodeConfig, or to one line that says what is wrong, where, what was expected and
 * what was found. Nothing is written before all of it holds.
 */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  type Address,
  DEFAULT_LIMITS,
  DEFAULT_TIMING,
  type NodeConfig,
  type NodeLimits,
} from '../node/config.js'
import { type ReadKeys, readKeys } from '../node/key-files.js'
import { usageError } from './errors.js'
import { parseDuration } from './parse/duration.js'
import { hostPort, type InitialMember, isLoopback, isWildcard } from './parse/urls.js'
import { type Values, valuesOf } from './serve-values.js'
import type { Written } from './serve-written.js'

const PBFT_NODES_MIN = 4

const RETENTION_MS_MAX = 10_000 * 3_600_000

export interface ServeConfig {
  readonly node: NodeConfig
  readonly warnings: readonly string[]
}

/** Throws CliError with the first thing that is wrong. */
export function toServeConfig(written: ReadonlyMap<string, Written>): ServeConfig {
  const { values, warnings } = valuesOf(written)
  const config = compose(values, (name) => written.get(name)?.from ?? `--${name}`)
  return { ...config, warnings: [...warnings, ...config.warnings] }
}

function compose(values: Values, where: (name: string) => string): ServeConfig {
  const warnings: string[] = []
  const name = values.name ?? 'default'
  const listenClient = values['listen-client-urls'] ?? { host: '127.0.0.1', port: 2379 }
  const listenPeer = values['listen-peer-urls'] ?? { host: '127.0.0.1', port: 2380 }
  const insecure = values.insecure ?? false
  checkReach(listenClient, where('listen-client-urls'), insecure)
  checkReach(listenPeer, where('listen-peer-urls'), insecure)
  if (listenClient.port === listenPeer.port && listenClient.host === listenPeer.host)
    throw usageError(
      `${where('listen-peer-urls')}: expected a port of its own, got the client port ${listenPeer.port}`,
    )
  const initialCluster = membersOf(values, name, listenPeer, where)
  const protocol = values.protocol === 'pbft' ? 'pbft' : 'raft'
  const pbft = protocol === 'pbft' ? pbftOf(values, initialCluster, where) : null
  if (protocol === 'raft') refuseKeys(values, where)
  if (protocol === 'raft' && initialCluster.length % 2 === 0)
    warnings.push(
      `${initialCluster.length} nodes survive no more failures than ${initialCluster.length - 1}: prefer an odd number`,
    )
  const timing = timingOf(values, where, warnings)
  const dataDir = resolve(values['data-dir'] ?? `${name}.quorate`)
  checkDataDir(dataDir, values['initial-cluster-state'] ?? 'new', where)
  return {
    node: {
      name,
      protocol,
      pbft: pbft?.keys ?? null,
      dataDir,
      listenPeer,
      listenClient,
      advertiseClient: advertised(values, listenClient, where),
      initialCluster,
      clusterToken: pbft?.token ?? values['initial-cluster-token'] ?? 'quorate-cluster',
      enableFaultInjection: values['enable-fault-injection'] ?? false,
      http: { hosts: values['host-whitelist'] ?? [], origins: values.cors ?? [] },
      timing,
      limits: limitsOf(values, where),
    },
    warnings,
  }
}

function pbftOf(
  values: Values,
  initialCluster: readonly InitialMember[],
  where: (name: string) => string,
): ReadKeys {
  const n = initialCluster.length
  if (n < PBFT_NODES_MIN)
    throw usageError(
      `${where('initial-cluster')}: expected at least ${PBFT_NODES_MIN} nodes for PBFT, got ${n}: n = 3f+1 bears f liars, and with fewer than four none`,
    )
  const clusterFile = values['cluster-file']
  const keyFile = values['key-file']
  if (clusterFile === undefined || keyFile === undefined)
    throw usageError(
      `${clusterFile === undefined ? '--cluster-file' : '--key-file'}: PBFT needs the file; \`quorate pki\` makes a cluster's`,
    )
  const frontDoorKeyFile = values['front-door-key-file']
  const read = readKeys(
    { clusterFile, keyFile, ...(frontDoorKeyFile === undefined ? {} : { frontDoorKeyFile }) },
    initialCluster.map((member) => member.name),
  )
  const token = values['initial-cluster-token']
  if (token !== undefined && token !== read.token)
    throw usageError(
      `${where('initial-cluster-token')}: expected ${JSON.stringify(read.token)} as in ${clusterFile}, got ${JSON.stringify(token)}`,
    )
  return read
}

/** Whoever names keys wants liars borne. */
function refuseKeys(values: Values, where: (name: string) => string): void {
  for (const name of ['cluster-file', 'key-file', 'front-door-key-file'] as const)
    if (values[name] !== undefined)
      throw usageError(`${where(name)}: Raft has no keys; did you mean --protocol pbft?`)
}

function limitsOf(values: Values, where: (name: string) => string): NodeConfig['limits'] {
  const snapshotEntries = values['snapshot-count'] ?? DEFAULT_LIMITS.snapshotEntries
  // Fewer kept than what a snapshot covers, or there would be nothing to drop.
  const keepEntries = Math.min(DEFAULT_LIMITS.keepEntries, Math.ceil(snapshotEntries / 2))
  const asked = values['quota-backend-bytes'] ?? 0
  const quotaBytes = asked === 0 ? DEFAULT_LIMITS.quotaBytes : asked < 0 ? null : asked
  const autoCompaction = retentionOf(
    values['auto-compaction-mode'] ?? 'periodic',
    values['auto-compaction-retention'] ?? '0',
    where('auto-compaction-retention'),
  )
  const watchProgressMs = values['watch-progress-notify-interval'] ?? DEFAULT_LIMITS.watchProgressMs
  const own = { snapshotEntries, keepEntries, quotaBytes, autoCompaction, watchProgressMs }
  return { ...DEFAULT_LIMITS, ...own }
}

/** A bare number is of hours, or of revisions: so in etcd. */
function retentionOf(mode: string, text: string, where: string): NodeLimits['autoCompaction'] {
  if (text === '0') return null
  const number = /^[0-9]+$/.test(text) ? Number(text) : null
  if (mode === 'revision') {
    if (number !== null && number <= Number.MAX_SAFE_INTEGER)
      return { mode: 'revision', revisions: number }
    throw usageError(`${where}: expected a number of revisions, got ${JSON.stringify(text)}`)
  }
  const ms = number !== null ? number * 3_600_000 : parseDuration(text, RETENTION_MS_MAX)
  if (ms !== null && ms <= RETENTION_MS_MAX) return { mode: 'periodic', ms }
  throw usageError(
    `${where}: expected a time such as 30m, or whole hours, up to 10000, got ${JSON.stringify(text)}`,
  )
}

function timingOf(
  values: Values,
  where: (name: string) => string,
  warnings: string[],
): NodeConfig['timing'] {
  const electionTimeoutMs = values['election-timeout'] ?? DEFAULT_TIMING.electionTimeoutMs
  const heartbeatMs = values['heartbeat-interval'] ?? DEFAULT_TIMING.heartbeatMs
  if (electionTimeoutMs <= heartbeatMs)
    throw usageError(
      `${where('election-timeout')}: expected more than the heartbeat interval of ${heartbeatMs} ms, got ${electionTimeoutMs} ms; ten times as long is usual`,
    )
  if (electionTimeoutMs < 5 * heartbeatMs)
    warnings.push(
      `an election timeout of ${electionTimeoutMs} ms is less than five heartbeats of ${heartbeatMs} ms: expect needless elections`,
    )
  // A tick for each heartbeat at least, and some for each election.
  const tickMs = Math.max(1, Math.min(DEFAULT_TIMING.tickMs, heartbeatMs))
  return { electionTimeoutMs, heartbeatMs, tickMs }
}

/** Throws CliError: others could reach it, and nobody said that they may. */
export function checkReach(address: Address, where: string, insecure: boolean): void {
  if (insecure || isLoopback(address.host)) return
  throw usageError(
    `${where}: ${address.host} is reachable from other machines, and there is no TLS or authentication yet: listen on 127.0.0.1, or accept that with --insecure`,
  )
}

function advertised(
  values: Values,
  listenClient: Address,
  where: (name: string) => string,
): string | null {
  const advertise = values['advertise-client-urls']
  if (advertise !== undefined) return hostPort(advertise)
  if (isWildcard(listenClient.host))
    throw usageError(
      `${where('listen-client-urls')}: nobody can dial ${listenClient.host}: say what clients should dial with --advertise-client-urls http://host:${listenClient.port}`,
    )
  return null
}

function membersOf(
  values: Values,
  name: string,
  listenPeer: Address,
  where: (name: string) => string,
): readonly InitialMember[] {
  const advertise = values['initial-advertise-peer-urls']
  const cluster = values['initial-cluster']
  if (cluster === undefined) return [{ name, address: advertise ?? listenPeer }]
  const own = cluster.find((member) => member.name === name)
  if (own === undefined)
    throw usageError(
      `${where('initial-cluster')}: expected this node's name ${name} among ${cluster.map((member) => member.name).join(', ')}: is --name right?`,
    )
  const told = advertise ?? own.address
  if (told.host !== own.address.host || told.port !== own.address.port)
    throw usageError(
      `${where('initial-advertise-peer-urls')}: expected ${hostPort(own.address)} as in --initial-cluster, got ${hostPort(told)}`,
    )
  return cluster
}

function checkDataDir(dataDir: string, state: string, where: (name: string) => string): void {
  const there = existsSync(dataDir)
  if (there && !statSync(dataDir).isDirectory())
    throw usageError(`${where('data-dir')}: expected a folder, got the file ${dataDir}`)
  if (state === 'existing' && !there)
    throw usageError(
      `${where('initial-cluster-state')}: existing, but ${dataDir} holds no data: joining a running cluster is not built yet; use new`,
    )
}
