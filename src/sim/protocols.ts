/** The protocols that a seed can be run with, by name. */
import type { Core } from '../consensus/contract.js'
import { pbftSim } from './pbft.js'
import type { SimProtocol } from './protocol.js'
import { raftSim } from './raft.js'
import { FAULTY_MS, type RunOptions, type SeedReport } from './run/options.js'
import { runSeed } from './run.js'
import { type Attempt, attempt } from './shrink/attempt.js'
import type { Recipe } from './shrink/recipe.js'

/** Three round trips a command, and everything signed: a second takes longer to simulate than one of Raft's. */
const PBFT_FAULTY_MS = 10_000

/** A protocol in the simulator, for those who need not know its types. */
export interface Simulated {
  /** How long faults last unless told otherwise (ms of simulated time). */
  readonly forMs: number
  /** The situations that a long run must have seen. */
  readonly marks: { readonly [mark: string]: string }
  runSeed(options: RunOptions): SeedReport
  attempt(recipe: Recipe, trace?: (line: string) => void): Attempt
}

export const simProtocols = {
  raft: simulated(raftSim, FAULTY_MS),
  pbft: simulated(pbftSim, PBFT_FAULTY_MS),
} as const satisfies { readonly [name: string]: Simulated }

export type SimProtocolName = keyof typeof simProtocols

export function isSimProtocol(name: string): name is SimProtocolName {
  return Object.hasOwn(simProtocols, name)
}

function simulated<M extends { readonly type: string }, R, O, C extends Core<M, R>>(
  sim: SimProtocol<M, R, O, C>,
  forMs: number,
): Simulated {
  return {
    forMs,
    marks: sim.marks,
    runSeed: (options) => runSeed({ ...options, sim }),
    attempt: (recipe, trace) => attempt(sim, recipe, trace),
  }
}
