/** One seed to run, as it crosses to another process. */
import { isLiarKind, LIARS, type LiarKind } from '../../byzantine/index.js'
import type { NodeId } from '../../consensus/ids.js'
import {
  type Application,
  etcdApplication,
  FAULT_GROUPS,
  FAULT_KINDS,
  type FaultKind,
  isSimProtocol,
  liarKindOf,
  type Recorded,
  type SeedReport,
  type SimProtocolName,
  type SwarmOptions,
  simProtocols,
} from '../../sim/index.js'
import { usageError } from '../errors.js'
import { parseDuration } from '../parse/duration.js'
import { suggest } from '../parse/suggest.js'

const FOR_MS_MIN = 1_000
const FOR_MS_MAX = 3_600_000

/** What is replicated: the simulator's own registers and lists, or etcd's store. */
export type SimMachineName = 'ledger' | 'etcd'

export interface Job {
  readonly seed: number
  readonly protocol: SimProtocolName
  readonly machine: SimMachineName
  /** Null: what the seed draws. */
  readonly nodes: number | null
  /** Null: what the seed draws; of these only, none for a quiet run. */
  readonly faults: readonly string[] | null
  readonly forMs: number
  /** Null: what the seed draws; else who lies, and how. */
  readonly liars: readonly (readonly [NodeId, LiarKind])[] | null
}

/** For a human or a file; it changes nothing. */
export interface Watch {
  readonly trace?: (line: string) => void
  readonly history?: (operations: readonly Recorded[]) => void
}

export function runJob(job: Job, watch: Watch = {}): SeedReport {
  const adjust = (drawn: SwarmOptions): SwarmOptions => adjusted(drawn, job)
  return simProtocols[job.protocol].runSeed({
    seed: job.seed,
    forMs: job.forMs,
    adjust,
    ...(job.machine === 'etcd' ? { application: etcdApplicationOf(job.protocol) } : {}),
    ...watch,
  })
}

/** Of one run: it keeps what the store must hold. */
function etcdApplicationOf(protocol: SimProtocolName): Application {
  return etcdApplication({ wallClock: protocol === 'pbft' })
}

function adjusted(swarm: SwarmOptions, job: Job): SwarmOptions {
  const nodes = job.nodes ?? swarm.nodes
  const liars = job.liars === null ? swarm.liars : new Map(job.liars)
  // What a store must hold that may lose all, or that a liar runs, is the simulator's own machine's matter.
  const drawn =
    job.machine === 'etcd'
      ? { ...swarm, liars: new Map(job.liars ?? []), hopeless: false }
      : { ...swarm, liars }
  if (job.faults === null) return { ...drawn, nodes }
  const wanted = new Set<string>(job.faults)
  const kinds = new Set(FAULT_KINDS.filter((kind) => wanted.has(kind)))
  return { ...drawn, nodes, kinds, faultFree: kinds.size === 0 }
}

/** Throws CliError. */
export function parseProtocol(name: string): SimProtocolName {
  if (isSimProtocol(name)) return name
  throw usageError(
    `--protocol: expected ${Object.keys(simProtocols).join(' or ')}, got ${JSON.stringify(name)}`,
  )
}

/** Throws CliError. */
export function parseMachine(name: string): SimMachineName {
  if (name === 'ledger' || name === 'etcd') return name
  throw usageError(`--machine: expected ledger or etcd, got ${JSON.stringify(name)}`)
}

/** `A..B` or one seed. Throws CliError. */
export function parseSeeds(text: string): { readonly first: number; readonly last: number } {
  const match = /^([0-9]{1,15})(?:\.\.([0-9]{1,15}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = match?.[2] === undefined ? first : Number(match[2])
  if (match === null || last < first)
    throw usageError(`--seeds: expected A..B with A <= B, or one seed, got ${JSON.stringify(text)}`)
  return { first, last }
}

/** `none`, or kinds and groups of kinds with commas between. Throws CliError. */
export function parseFaults(text: string, protocol: SimProtocolName = 'raft'): FaultKind[] {
  if (text === 'none') return []
  const wanted = new Set(text.split(',').flatMap((raw) => parseKind(raw.trim())))
  const lies = [...wanted].find((kind) => liarKindOf(kind) !== null)
  if (lies !== undefined && protocol !== 'pbft')
    throw usageError(`--faults: ${lies} needs --protocol pbft: Raft bears no replica that lies`)
  return FAULT_KINDS.filter((kind) => wanted.has(kind))
}

function parseKind(word: string): readonly FaultKind[] {
  const group = Object.entries(FAULT_GROUPS).find(([name]) => name === word)
  if (group !== undefined && group[1].length > 0) return group[1]
  const kind = FAULT_KINDS.find((one) => one === word)
  if (kind !== undefined) return [kind]
  const groups = Object.entries(FAULT_GROUPS).flatMap(([name, { length }]) =>
    length > 0 ? name : [],
  )
  const near = suggest(word, [...groups, ...FAULT_KINDS])
  const hint =
    near === null
      ? `expected none, or some of ${groups.join(',')}, or of ${FAULT_KINDS.join(',')}`
      : `did you mean ${near}?`
  throw usageError(`--faults: ${JSON.stringify(word)} is no kind of fault; ${hint}`)
}

/** `n1=equivocate,n2=silent`: also more of them than the protocol bears. Throws CliError. */
export function parseLiars(text: string, protocol: SimProtocolName): [NodeId, LiarKind][] {
  if (protocol !== 'pbft') throw usageError('--liars: needs --protocol pbft')
  return text.split(',').map((one) => {
    const [, id, kind = ''] = /^(n[0-9]+)=(.+)$/.exec(one.trim()) ?? []
    if (id !== undefined && isLiarKind(kind)) return [id, kind]
    const near = suggest(kind, Object.keys(LIARS))
    const hint =
      near === null ? `expected some of ${Object.keys(LIARS).join(', ')}` : `did you mean ${near}?`
    throw usageError(`--liars: expected n1=KIND, got ${JSON.stringify(one)}; ${hint}`)
  })
}

/** Undefined: as long as is usual with the protocol. Throws CliError. */
export function parseFor(text: string | undefined, protocol: SimProtocolName = 'raft'): number {
  if (text === undefined) return simProtocols[protocol].forMs
  const ms = parseDuration(text)
  if (ms !== null && ms >= FOR_MS_MIN && ms <= FOR_MS_MAX) return ms
  throw usageError(`--for: expected 1s to 1h, such as 30s or 5m, got ${JSON.stringify(text)}`)
}
