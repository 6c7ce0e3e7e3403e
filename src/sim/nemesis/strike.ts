/**
 * A strike as data: what is to happen, when, to whom and for how long, drawn before anything is known of the cluster's
 * state. Whom it meets is a rule that is resolved when it happens; the rest is numbers.
 */
import { chance, nextInt, type RandomState } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import type { FaultKind } from '../faults.js'
import type { SwarmOptions } from '../swarm.js'
import type { Stage } from './stage.js'

/** The leader of the moment, if there is one; else the n-th of those that live, counted round. */
export interface Target {
  readonly rule: 'leader' | 'nth'
  readonly nth: number
}

export type Parameter = number | string | boolean | readonly number[]

export interface Strike {
  /** 0 is the first of the run. */
  readonly ordinal: number
  readonly atMs: number
  readonly kind: FaultKind
  readonly target: Target
  /** After so long it ends by itself; 0: it has no end to come. */
  readonly durationMs: number
  readonly parameters: { readonly [name: string]: Parameter }
}

export interface ExecutedStrike extends Strike {
  /** Whom it met. */
  readonly met: readonly NodeId[]
}

/** Whom it met; null: there was nobody and nothing to strike. */
export type Outcome = readonly NodeId[] | null

/** One kind's part of a strike: its parameters, and how they are carried out. */
export interface Blow {
  readonly parameters: { readonly [name: string]: Parameter }
  /** Instead of a duration up to the swarm's longest outage. */
  readonly durationMs?: number
  readonly carryOut: (stage: Stage, strike: Strike) => Outcome
}

export interface StrikeKind {
  readonly kind: FaultKind
  /** It is counted by whoever suffers it, when it happens, and not when it is armed. */
  readonly countsItself?: boolean
  /** All draws of this kind; nothing is drawn later. */
  readonly draw: (r: RandomState, swarm: SwarmOptions) => Blow
}

/** Whom to strike: a leader as often as anybody. */
export function drawTarget(r: RandomState): Target {
  return { rule: chance(r, 0.5) ? 'leader' : 'nth', nth: nextInt(r, 0, 0xffff) }
}

/** One line for a human. */
export function describeStrike(strike: ExecutedStrike): string {
  const { ordinal, kind, met, durationMs, parameters } = strike
  const told = Object.entries(parameters).map(([name, value]) => ` ${name}=${String(value)}`)
  const lasting = durationMs > 0 ? ` for ${durationMs} ms` : ''
  return `nemesis: ${kind} #${ordinal} ${met.join(',')}${lasting}${told.join('')}`
}
