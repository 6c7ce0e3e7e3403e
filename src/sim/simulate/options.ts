/** What `simulate` is told and what it tells: the public face of the simulator. */
import type { Model } from '../../check/model.js'
import type { Value } from '../../check/value.js'
import type { StateMachine } from '../../machine/state-machine.js'
import type { FaultGroup, FaultKind } from '../faults.js'
import type { SeedFailure } from '../run/options.js'

/** Where a workload draws from: the same seed draws the same. Nothing else may decide what is asked. */
export interface Draw {
  /** Who asks, from 0. */
  readonly client: number
  /** A number that no other draw of this run is given, from 1. */
  readonly unique: number
  /** A whole number of `min..max`. */
  int(min: number, max: number): number
  /** True so often, of one. */
  chance(share: number): boolean
  pick<T>(some: readonly T[]): T
}

/** An operation as a client asks it, and as the model reads it. */
export interface SimulatedOperation {
  /** `command`: bytes for `apply`. `query`: bytes for `query`, read linearizably. */
  readonly type: 'command' | 'query'
  readonly bytes: Uint8Array
  /** For the model and for people: what it is, of which key, with what. */
  readonly f: string
  readonly key?: Value
  readonly value?: Value
  /** Reads an answer. Throws on bytes that no correct machine gives; then the seed fails. */
  readonly answer: (bytes: Uint8Array) => Value
}

export interface Checks<T extends StateMachine> {
  /** What the clients saw must be explained by it, in some order that real time allows. */
  readonly model?: Model
  /** By name: asked of each node's machine after each change of it. False, or a text, is a violation. */
  readonly invariants?: { readonly [name: string]: (machine: T) => boolean | string }
}

export interface SimulateOptions<T extends StateMachine> {
  /** A new machine in its first state: for each start of each node. */
  readonly machine: () => T
  /** What the next operation of a client is. */
  readonly workload: (draw: Draw) => SimulatedOperation
  readonly check?: Checks<T>
  /** How many, from 1, or which; default 20. */
  readonly seeds?: number | readonly number[]
  /** Of each cluster, 1 to 9; default: drawn from the seed. */
  readonly nodes?: number
  /** How long faults strike, in ms of simulated time; default 10,000. */
  readonly duration?: number
  /** Kinds or groups of faults; default: those that the seed draws. `[]` for quiet runs. */
  readonly faults?: readonly (FaultGroup | FaultKind)[]
  /** Told what happens, line by line. It changes nothing. */
  readonly trace?: (line: string) => void
}

export interface SimulatedFailure extends SeedFailure {
  readonly seed: number
  /** The options that run this seed alone again. */
  readonly replay: string
}

export interface SimulateReport {
  /** Nothing failed, and something was shown. */
  readonly ok: boolean
  readonly passed: number
  readonly failures: readonly SimulatedFailure[]
  /** Seeds in which too little happened to say anything. */
  readonly skipped: number
  readonly operations: { readonly ok: number; readonly failed: number; readonly unknown: number }
  /** By kind: how often each really struck. */
  readonly faults: { readonly [kind: string]: number }
  readonly simulatedMs: number
}
