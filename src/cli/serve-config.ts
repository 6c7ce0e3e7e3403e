/**
 * From flags, environment and YAML to a checked NodeConfig, or to one line that says what is wrong, where, what
 * was expected and what was found. Nothing is written before all of it holds.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { isNodeId } from '../consensus/ids.js'
import {
  type Address,
  DEFAULT_LIMITS,
  DEFAULT_TIMING,
  type NodeConfig,
  type NodeLimits,
} from '../node/config.js'
import { type ReadKeys, readKeys } from '../node/key-files.js'
import { usageError } from './errors.js'
import { ETCD_FLAGS, isEtcdFlag, judge, plainName } from './etcd-flags.js'
import { parseDuration } from './parse/duration.js'
import { suggest } from './parse/suggest.js'
import {
  hostPort,
  type InitialMember,
  isLoopback,
  isWildcard,
  type Parsed,
  parseInitialCluster,
  parseUrl,
} from './parse/urls.js'
import { envNameOf, SERVE_FLAGS } from './serve-flags.js'

const PBFT_NODES_MIN = 4

const RETENTION_MS_MAX = 10_000 * 3_600_000

/** A value as written, and where: for the error. */
export interface Written {
  readonly value: unknown
  readonly from: string
}

export interface ServeConfig {
  readonly node: NodeConfig
  readonly warnings: readonly string[]
}

const parsedBy = <T>(parse: (text: string) => Parsed<T>) =>
  z.string().transform((text, context) => {
    const parsed = parse(text)
    if ('value' in parsed) return parsed.value
    context.addIssue({ code: 'custom', message: parsed.problem })
    return z.NEVER
  })

const whole = (min: number, max: number, unit: string) =>
  z.union([z.string(), z.number()]).transform((value, context) => {
    const number = typeof value === 'number' ? value : Number(value)
    const digits = typeof value === 'number' || /^[0-9]+$/.test(value)
    if (digits && Number.isInteger(number) && number >= min && number <= max) return number
    const got = JSON.stringify(value)
    const message = `expected a whole number of ${unit} from ${min} to ${max}, got ${got}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const choice = (values: readonly string[], notes: Readonly<Record<string, string>> = {}) =>
  z.string().transform((value, context) => {
    if (values.includes(value)) return value
    const note = notes[value]
    const near = suggest(value, values)
    const hint = note ?? (near === null ? '' : `; did you mean ${near}?`)
    const message = `expected ${values.join(' or ')}, got ${JSON.stringify(value)}${hint}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

const flag = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])], {
    message: 'expected true or false',
  })
  .transform((value) => value === true || value === 'true' || value === '1')

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
)

const nodeName = z
  .string()
  .refine(isNodeId, 'expected 1 to 63 letters, digits, dots, underscores or dashes')

/** etcd's: 0 for the default, and less for none. */
const quota = z.union([z.string(), z.number()]).transform((value, context) => {
  const number = Number(value)
  if (/^-?[0-9]+$/.test(String(value)) && Number.isSafeInteger(number)) return number
  const message = `expected a number of bytes, got ${JSON.stringify(value)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** More often is no sign of life but a load. */
const PROGRESS_MS_MIN = 100
/** etcd's: 0 for the default. */
const interval = z.string().transform((text, context) => {
  if (/^0[a-z]*$/.test(text)) return null
  const ms = parseDuration(text)
  if (ms !== null && ms >= PROGRESS_MS_MIN) return ms
  const message = `expected a duration from ${PROGRESS_MS_MIN}ms to 24h, such as 5s, got ${JSON.stringify(text)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

const SCHEMAS = {
  name: nodeName,
  'data-dir': z.string().min(1, 'expected a folder'),
  'listen-client-urls': parsedBy((text) => parseUrl(text, { portZero: true })),
  'listen-peer-urls': parsedBy((text) => parseUrl(text)),
  'advertise-client-urls': parsedBy((text) => parseUrl(text)),
  'initial-advertise-peer-urls': parsedBy((text) => parseUrl(text)),
  'initial-cluster': parsedBy(parseInitialCluster),
  'initial-cluster-state': choice(['new', 'existing']),
  'initial-cluster-token': z.string().min(1).max(255),
  protocol: choice(['raft', 'pbft']),
  'cluster-file': z.string().min(1, 'expected a file'),
  'key-file': z.string().min(1, 'expected a file'),
  'front-door-key-file': z.string().min(1, 'expected a file'),
  'election-timeout': whole(10, 50_000, 'ms'),
  'heartbeat-interval': whole(1, 10_000, 'ms'),
  'snapshot-count': whole(1, 100_000_000, 'entries'),
  'quota-backend-bytes': quota,
  'auto-compaction-mode': choice(['periodic', 'revision']),
  'auto-compaction-retention': z.union([z.string(), z.number()]).transform(String),
  'watch-progress-notify-interval': interval,
  'host-whitelist': list,
  cors: list,
  'enable-fault-injection': flag,
  insecure: flag,
}

type Values = { [K in keyof typeof SCHEMAS]?: z.output<(typeof SCHEMAS)[K]> }

/** Flag over environment, QUORATE_ over ETCD_, over file. Throws CliError. */
export function gather(
  options: Readonly<Record<string, unknown>>,
  sourceOf: (option: string) => string,
  environment: Readonly<Record<string, string | undefined>> = {},
): Map<string, Written> {
  const written = new Map<string, Written>()
  const configFile = options.configFile ?? environment.ETCD_CONFIG_FILE
  if (typeof configFile === 'string')
    for (const [key, value] of readConfigFile(configFile))
      written.set(key, { value, from: `${configFile}: ${key}` })
  for (const name of [...SERVE_FLAGS.map((one) => one.name), ...ETCD_FLAGS]) {
    const key = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
    const etcdName = envNameOf(name, 'ETCD')
    const value = options[key] ?? environment[etcdName]
    if (value === undefined) continue
    const fromEnv = options[key] === undefined ? etcdName : envNameOf(name)
    const isFlag = options[key] !== undefined && sourceOf(key) !== 'env'
    written.set(name, { value, from: isFlag ? `--${name}` : fromEnv })
  }
  return written
}

function readConfigFile(file: string): Map<string, unknown> {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(file, 'utf8'))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') throw usageError(`--config-file: there is no file ${file}`)
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    throw usageError(`--config-file: ${file} cannot be read: ${why}`)
  }
  if (parsed === null) return new Map()
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw usageError(`${file}: expected lines of "name: value"`)
  const known = SERVE_FLAGS.map((one) => one.name)
  const entries = new Map<string, unknown>(Object.entries(parsed))
  for (const key of entries.keys()) {
    if (known.includes(key) || isEtcdFlag(key)) continue
    const near = suggest(key, known)
    throw usageError(
      `${file}: ${key}: expected a flag's name, got an unknown one${near === null ? '' : `; did you mean ${near}?`}`,
    )
  }
  return entries
}

/** Throws CliError with the first thing that is wrong. */
export function toServeConfig(written: ReadonlyMap<string, Written>): ServeConfig {
  const values: Record<string, unknown> = {}
  const warnings: string[] = []
  for (const [key, { value, from }] of written) {
    const name = plainName(key)
    if (name !== key && written.has(name)) continue
    if (isEtcdFlag(name)) {
      const warning = judge(name, { value, from })
      if (warning !== null) warnings.push(warning)
      continue
    }
    const schema = SCHEMAS[name as keyof typeof SCHEMAS]
    const result = schema.safeParse(value)
    if (!result.success) {
      const message = result.error.issues[0]?.message ?? 'is not valid'
      throw usageError(
        `${from}: ${/got/.test(message) ? message : `${message}, got ${show(value)}`}`,
      )
    }
    values[name] = result.data
  }
  const config = compose(values as Values, (name) => written.get(name)?.from ?? `--${name}`)
  return { ...config, warnings: [...warnings, ...config.warnings] }
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
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
