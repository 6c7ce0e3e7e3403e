/** One seed to run, as it crosses to another process. */
import {
  FAULT_KINDS,
  type FaultKind,
  raftSim,
  runSeed,
  type SeedReport,
  type SwarmOptions,
} from '../../sim/index.js'
import { usageError } from '../errors.js'
import { suggest } from '../parse/suggest.js'

export interface Job {
  readonly seed: number
  readonly protocol: string
  /** Null: what the seed draws. */
  readonly nodes: number | null
  /** Null: what the seed draws; of these only, none for a quiet run. */
  readonly faults: readonly string[] | null
}

export function runJob(job: Job, trace?: (line: string) => void): SeedReport {
  const adjust = (drawn: SwarmOptions): SwarmOptions => adjusted(drawn, job)
  return runSeed({
    sim: raftSim,
    seed: job.seed,
    adjust,
    ...(trace === undefined ? {} : { trace }),
  })
}

function adjusted(drawn: SwarmOptions, job: Job): SwarmOptions {
  const nodes = job.nodes ?? drawn.nodes
  if (job.faults === null) return { ...drawn, nodes }
  const wanted = new Set<string>(job.faults)
  const kinds = new Set(FAULT_KINDS.filter((kind) => wanted.has(kind)))
  return { ...drawn, nodes, kinds, faultFree: kinds.size === 0 }
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

/** `none`, or kinds with commas between. Throws CliError. */
export function parseFaults(text: string): FaultKind[] {
  if (text === 'none') return []
  return text.split(',').map((raw) => {
    const kind = FAULT_KINDS.find((one) => one === raw.trim())
    if (kind !== undefined) return kind
    const near = suggest(raw.trim(), FAULT_KINDS)
    const hint =
      near === null ? `expected none or some of ${FAULT_KINDS.join(',')}` : `did you mean ${near}?`
    throw usageError(`--faults: ${JSON.stringify(raw.trim())} is no kind of fault; ${hint}`)
  })
}
