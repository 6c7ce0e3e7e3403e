/**
 * What a node does, on purpose, to the messages that it sends: one pure model for the real communicator and for
 * whoever simulates one. A plan is plain data and is replaced whole; nothing of it outlives the process.
 */
import { chance, nextInt, type RandomState } from '../base/random.js'
import type { NodeId } from '../consensus/ids.js'

/** Probabilities are per message, 0 to 1. */
export interface TargetFaults {
  /** EVERY_PEER: each that no other target of the plan names. */
  readonly nodeId: NodeId
  readonly loss: number
  readonly duplication: number
  /** Of being held back, so that later messages overtake it. */
  readonly reorder: number
  /** Uniform, both ends included; the order of messages stays. */
  readonly delayMinMs: number
  readonly delayMaxMs: number
}

export interface FaultPlan {
  /** To whom nothing is sent. One-way: what they send arrives. */
  readonly blocked: readonly NodeId[]
  readonly targets: readonly TargetFaults[]
}

/** Names no node: no name is empty. */
export const EVERY_PEER = ''

/** A delay beyond it is refused. */
export const DELAY_MS_MAX = 60_000

export const NO_FAULTS: FaultPlan = { blocked: [], targets: [] }

/** What one link has to remember so that delays keep the order of messages. */
export interface LinkClock {
  /** When the last message that keeps its place is due. */
  lastDueMs: number
}

export type Fate =
  | { readonly type: 'drop'; readonly why: 'blocked' | 'lost' }
  /** One copy for each delay; 0: now. */
  | { readonly type: 'deliver'; readonly delaysMs: readonly number[] }

/** A message that is held back, or comes twice, is late by at least so much of a chance to be overtaken. */
const HOLD_MS_MIN = 10

const NOW: Fate = { type: 'deliver', delaysMs: [0] }
const BLOCKED: Fate = { type: 'drop', why: 'blocked' }
const LOST: Fate = { type: 'drop', why: 'lost' }

export function isBlocked(plan: FaultPlan, to: NodeId): boolean {
  return plan.blocked.length > 0 && plan.blocked.includes(to)
}

function faultsTowards(plan: FaultPlan, to: NodeId): TargetFaults | undefined {
  return (
    plan.targets.find((target) => target.nodeId === to) ??
    plan.targets.find((target) => target.nodeId === EVERY_PEER)
  )
}

/** What becomes of one message to `to`. Draws only where the plan says something of the target. */
export function fateOf(
  plan: FaultPlan,
  to: NodeId,
  link: LinkClock,
  nowMs: number,
  random: RandomState,
): Fate {
  if (isBlocked(plan, to)) return BLOCKED
  const faults = faultsTowards(plan, to)
  // What was delayed before the plan changed still comes first.
  if (faults === undefined && link.lastDueMs <= nowMs) return NOW
  if (faults === undefined) return { type: 'deliver', delaysMs: [link.lastDueMs - nowMs] }
  if (chance(random, faults.loss)) return LOST
  const own = nowMs + nextInt(random, faults.delayMinMs, faults.delayMaxMs)
  const inOrder = Math.max(own, link.lastDueMs)
  const hold = Math.max(HOLD_MS_MIN, faults.delayMaxMs)
  const heldBack = chance(random, faults.reorder)
  if (!heldBack) link.lastDueMs = inOrder
  const due = heldBack ? inOrder + nextInt(random, 1, hold) : inOrder
  const delaysMs = [due - nowMs]
  if (chance(random, faults.duplication)) delaysMs.push(due - nowMs + nextInt(random, 0, hold))
  return { type: 'deliver', delaysMs }
}

/** Null: sane. Else what is wrong, in words. */
export function problemOf(faults: TargetFaults): string | null {
  for (const key of ['loss', 'duplication', 'reorder'] as const)
    if (!(faults[key] >= 0 && faults[key] <= 1)) return `${key} is not between 0 and 1`
  for (const key of ['delayMinMs', 'delayMaxMs'] as const) {
    if (!Number.isInteger(faults[key])) return `${key} is not a whole number of ms`
    if (faults[key] < 0) return `${key} is negative`
    if (faults[key] > DELAY_MS_MAX) return `${key} is above ${DELAY_MS_MAX}`
  }
  if (faults.delayMinMs > faults.delayMaxMs) return 'delayMinMs is above delayMaxMs'
  return null
}
