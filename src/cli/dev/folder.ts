/** The folder of a development cluster: `cluster.json` says what it is, so that a later start repeats it. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { CliError, EXIT, usageError } from '../errors.js'

const Port = z.int().min(1).max(65_535)

const ClusterSchema = z.object({
  version: z.literal(1),
  protocol: z.enum(['raft', 'pbft']),
  token: z.string().min(1),
  nodes: z
    .array(
      z.object({
        name: z.string().min(1),
        clientPort: Port,
        peerPort: Port,
        publicKey: z.string().optional(),
      }),
    )
    .min(1)
    .max(9),
  /** PBFT: whose requests count, and whether those of others do (see crypto/cluster-file.ts). */
  clients: z.array(z.object({ name: z.string(), publicKey: z.string() })).optional(),
  allowAnonymousClients: z.boolean().optional(),
})

export type Cluster = z.output<typeof ClusterSchema>
export type Seat = Cluster['nodes'][number]

export const HOST = '127.0.0.1'
export const CLUSTER_FILE = 'cluster.json'
const DEFAULT_BASE_PORT = 2379
const DEFAULT_NODES = { raft: 3, pbft: 4 } as const
const PBFT_NODES_MIN = 4
/** From one node's ports to the next one's. */
const PORT_STEP = 10

export interface DevFlags {
  readonly nodes?: number
  readonly protocol?: string
  readonly basePort?: number
  readonly dataDir: string
  readonly restart: boolean
}

export function readCluster(dir: string): Cluster | null {
  const path = join(dir, CLUSTER_FILE)
  if (!existsSync(path)) return null
  let problem: string
  try {
    const parsed = ClusterSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    problem = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  throw new CliError(
    EXIT.dataRefused,
    `${path} is no cluster of this version (${problem}): start in another folder with --data-dir`,
  )
}

/** Written whole or not at all. */
export function writeCluster(dir: string, cluster: Cluster): void {
  const path = join(dir, CLUSTER_FILE)
  writeFileSync(`${path}.new`, `${JSON.stringify(cluster, null, 2)}\n`)
  renameSync(`${path}.new`, path)
}

export function makeFolder(dir: string): void {
  try {
    makeWithParents(dir)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw usageError(`--data-dir: ${dir} cannot be made: ${why}`)
  }
}

/** Not mkdir's `recursive`: it spins for ever where a parent is there and yet nothing can be made in it (/proc). */
function makeWithParents(dir: string): void {
  if (existsSync(dir)) {
    if (!statSync(dir).isDirectory()) throw new Error('there is a file of that name')
    return
  }
  const parent = dirname(dir)
  if (parent !== dir) makeWithParents(parent)
  mkdirSync(dir)
}

/** What the flags and the folder give together. `picked`: free ports, when they were asked for. */
export function planCluster(
  flags: DevFlags,
  found: Cluster | null,
  picked: readonly number[] | null,
): Cluster {
  const protocol = protocolOf(flags, found)
  const count = flags.nodes ?? found?.nodes.length ?? DEFAULT_NODES[protocol]
  if (protocol === 'pbft' && count < PBFT_NODES_MIN)
    throw usageError(
      `--nodes: expected at least ${PBFT_NODES_MIN} for PBFT, got ${count}: n = 3f+1 bears f liars, and with fewer than four none`,
    )
  if (found !== null && count !== found.nodes.length)
    throw usageError(
      `--nodes: ${flags.dataDir} holds a cluster of ${found.nodes.length}, not ${count}: leave --nodes out to go on with it, or start another in its own folder with --data-dir`,
    )
  const names = found?.nodes.map((seat) => seat.name) ?? nodeNames(count)
  const keep = flags.basePort === undefined && found !== null
  const nodes = keep
    ? found.nodes
    : names.map((name, i) => ({ name, ...portsOf(i, flags.basePort ?? DEFAULT_BASE_PORT, picked) }))
  return {
    ...found,
    version: 1,
    protocol,
    token: found?.token ?? `dev-${randomUUID()}`,
    nodes,
  }
}

function protocolOf(flags: DevFlags, found: Cluster | null): Cluster['protocol'] {
  const { protocol } = flags
  if (protocol === undefined) return found?.protocol ?? 'raft'
  if (protocol !== 'raft' && protocol !== 'pbft')
    throw usageError(`--protocol: expected raft or pbft, got ${JSON.stringify(protocol)}`)
  if (found !== null && protocol !== found.protocol)
    throw usageError(
      `--protocol: ${flags.dataDir} holds a cluster on ${found.protocol}, not ${protocol}: leave --protocol out to go on with it, or start another in its own folder with --data-dir`,
    )
  return protocol
}

function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `n${i + 1}`)
}

function portsOf(i: number, basePort: number, picked: readonly number[] | null) {
  const clientPort = picked === null ? basePort + PORT_STEP * i : picked[2 * i]
  const peerPort = picked === null ? basePort + PORT_STEP * i + 1 : picked[2 * i + 1]
  if (clientPort === undefined || peerPort === undefined || peerPort > 65_535)
    throw usageError(`--base-port: expected room for 10 ports a node below 65536, got ${basePort}`)
  return { clientPort, peerPort }
}

export function endpointOf(seat: Seat): string {
  return `${HOST}:${seat.clientPort}`
}
