/** `quorate pki`: the keys of a whole PBFT cluster, and the file that tells everybody who is who. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isNodeId } from '../../consensus/ids.js'
import { encodeClusterFile, NODES_MAX } from '../../crypto/cluster-file.js'
import { generateKey, KeyFileError, writeKeyFile } from '../../crypto/key-file.js'
import { usageError } from '../errors.js'
import { print, printJson } from '../output.js'

/** Keys in one call. */
const CLIENTS_MAX = 1_000
const NODES_MIN = 4
const CLUSTER_FILE = 'cluster.json'

interface PkiFlags {
  readonly nodes: string
  readonly clients?: string
  readonly dir: string
  readonly token?: string
  readonly allowAnonymousClients?: boolean
  readonly json?: boolean
}

interface Made {
  readonly name: string
  readonly file: string
  readonly pem: string
  readonly publicKey: Uint8Array
}

export function pki(flags: PkiFlags): void {
  const nodes = namesOf('--nodes', flags.nodes)
  const clients = namesOf('--clients', flags.clients ?? '')
  const n = nodes.length
  if (n < NODES_MIN)
    throw usageError(
      `--nodes: expected at least ${NODES_MIN} names, got ${n}: n = 3f+1 bears f liars`,
    )
  if (n > NODES_MAX) throw usageError(`--nodes: expected at most ${NODES_MAX} names, got ${n}`)
  if (clients.length > CLIENTS_MAX)
    throw usageError(`--clients: expected at most ${CLIENTS_MAX} names, got ${clients.length}`)
  for (const name of clients)
    if (nodes.includes(name)) throw usageError(`--clients: ${name} is a node already`)
  const make = (name: string): Made => ({
    name,
    file: join(flags.dir, `${name}.key`),
    ...generateKey(),
  })
  const [ofNodes, ofClients] = [nodes.map(make), clients.map(make)]
  const path = join(flags.dir, CLUSTER_FILE)
  makeDir(flags.dir)
  // All are looked for before one is written: a folder with half of a cluster's keys helps nobody.
  for (const file of [path, ...[...ofNodes, ...ofClients].map((one) => one.file)])
    if (existsSync(file))
      throw usageError(
        `${file} exists already, and keys are never overwritten: choose another --dir`,
      )
  asUsage(() => {
    for (const { file, pem } of [...ofNodes, ...ofClients]) writeKeyFile(file, pem)
  })
  const token = flags.token ?? `pbft-${randomUUID()}`
  const allowAnonymousClients = flags.allowAnonymousClients ?? false
  const content = { token, nodes: ofNodes, clients: ofClients, allowAnonymousClients }
  // Last: where it is, everything is.
  writeFileSync(path, encodeClusterFile(content), {
    flag: 'wx',
  })
  const files = {
    clusterFile: path,
    token,
    keys: [...ofNodes, ...ofClients].map((one) => one.file),
  }
  if (flags.json === true) printJson(files)
  else for (const line of explain(path, ofNodes, ofClients)) print(line)
}

function explain(path: string, nodes: readonly Made[], clients: readonly Made[]): string[] {
  const f = Math.floor((nodes.length - 1) / 3)
  const lines = [
    `${path}: public keys of ${nodes.length} nodes (${f} of them may lie) and ${clients.length} clients; no secret, the same everywhere`,
  ]
  for (const { name, file } of nodes) lines.push(`${file}: for ${name} alone`)
  for (const { name, file } of clients) lines.push(`${file}: for client ${name} alone`)
  lines.push('Bring each key to its machine, and keep no copy here.')
  return lines
}

function namesOf(flag: string, text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  for (const [i, name] of names.entries()) {
    if (!isNodeId(name))
      throw usageError(
        `${flag}: expected names of A-Z a-z 0-9 . _ -, 1 to 63 characters, got ${JSON.stringify(name)}`,
      )
    if (names.indexOf(name) !== i) throw usageError(`${flag}: ${name} is there twice`)
  }
  return names
}

function makeDir(dir: string): void {
  try {
    if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw usageError(`--dir: ${dir} cannot be made: ${why}`)
  }
}

/** What is wrong with a key file is the caller's to put right. */
export function asUsage<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof KeyFileError) throw usageError(error.message)
    throw error
  }
}
