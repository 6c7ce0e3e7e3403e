/** What a seed is run with, and what it reports. */
import type { Core } from '../../consensus/contract.js'
import type { Application } from '../application.js'
import type { Recorded } from '../checkers/history.js'
import type { Happened } from '../kept.js'
import type { SimProtocol } from '../protocol.js'
import type { SwarmOptions } from '../swarm.js'

/** Of simulated time under faults, unless told otherwise. */
export const FAULTY_MS = 30_000
/** What a cluster without faults gets for each step towards being well, unless told otherwise (ms of simulated time). */
export const HEAL_MS = 60_000

/** What must happen in a run before it may end. */
export interface Demands {
  readonly operations: number
  readonly faults: number
  /** Operations that must succeed after the faults, before the load ends. */
  readonly progress: number
}

export const DEMANDS: Demands = { operations: 300, faults: 10, progress: 10 }
/** For a run that is made small: nothing but that it fails. */
export const NO_DEMANDS: Demands = { operations: 0, faults: 0, progress: 0 }

export interface SeedOptions<M extends { readonly type: string }, R, O, C extends Core<M, R>>
  extends RunOptions {
  readonly sim: SimProtocol<M, R, O, C>
}

export interface RunOptions {
  readonly seed: number
  /** How long the faults last, in ms of simulated time; longer only until enough has happened. */
  readonly forMs?: number
  /** Instead of what the seed draws, for shrinking and for tests. */
  readonly adjust?: (drawn: SwarmOptions) => SwarmOptions
  /** Told everything that happens, for a human; it changes nothing. */
  readonly trace?: (line: string) => void
  readonly demands?: Demands
  /** For each step towards being well, in ms of simulated time. */
  readonly healMs?: number
  /** Instead of the simulator's own machine and load. */
  readonly application?: Application
  /** Given what was carried out, at the end of the run, be it a failure. */
  readonly happened?: (happened: Happened) => void
  /** Given what the clients saw, at the end of the run, be it a failure. */
  readonly history?: (operations: readonly Recorded[]) => void
}

export interface SeedFailure {
  readonly invariant: string
  readonly message: string
  readonly atMs: number
  readonly atStep: number
}

export interface SeedReport {
  readonly seed: number
  readonly protocol: string
  /** `void`: too little happened to say anything. */
  readonly verdict: 'ok' | 'failed' | 'void'
  readonly failure: SeedFailure | null
  /** Of all that happened: equal for equal seeds. */
  readonly traceHash: string
  readonly steps: number
  readonly events: number
  readonly simulatedMs: number
  readonly nodes: number
  readonly faultFree: boolean
  readonly kinds: readonly string[]
  readonly faults: { readonly [kind: string]: number }
  readonly operations: { readonly ok: number; readonly failed: number; readonly unknown: number }
  /** Registers whose history could not be judged within bounds: each fails the seed. */
  readonly undecided: number
  /** The members that had to get well without the others; null: all of them did. */
  readonly quorum: readonly string[] | null
  /** Situations that were seen, and how often; the protocol's table tells what they are. */
  readonly marks: { readonly [mark: string]: number }
  readonly notes: { readonly [event: string]: number }
}
