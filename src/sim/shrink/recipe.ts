/**
 * A failing run as data: a seed, and what of it is changed or left out. Whoever has the same version and the recipe has
 * the same run, event for event.
 */
import { FAULT_KINDS, type FaultKind } from '../faults.js'
import { HEAL_MS } from '../run/options.js'
import { drawSwarm, type SwarmOptions } from '../swarm.js'

export interface Recipe {
  readonly format: 1
  readonly protocol: string
  /** What the cluster, its load and the strength of its faults are drawn from. */
  readonly seed: number
  /** What happens in it is drawn from this one, mostly the same. */
  readonly luck: number
  readonly forMs: number
  /** It need not have enough happen in it: it ends as soon as it can. */
  readonly brief: boolean
  /** But so many operations must succeed behind the faults. */
  readonly progress: number
  /** It gets so long for each step towards being well. */
  readonly healMs: number
  /** The simplest load and clocks instead of those drawn. */
  readonly plain: boolean
  /** Snapshots come early, so that fewer operations lead to one. */
  readonly small: boolean
  /** Null, here and below: what is drawn. */
  readonly nodes: number | null
  readonly clients: number | null
  readonly kinds: readonly FaultKind[] | null
  /** What is carried out of what is drawn, by ordinals; null: all of it. */
  readonly strikes: readonly number[] | null
  readonly messages: readonly string[] | null
  readonly operations: readonly number[] | null
}

export class RecipeError extends Error {
  override readonly name = 'RecipeError'
}

export function wholeRun(seed: number, forMs: number, protocol = 'raft'): Recipe {
  return {
    format: 1,
    protocol,
    seed,
    luck: seed,
    forMs,
    brief: false,
    progress: 0,
    healMs: HEAL_MS,
    plain: false,
    small: false,
    nodes: null,
    clients: null,
    kinds: null,
    strikes: null,
    messages: null,
    operations: null,
  }
}

/** The options that its seed draws, as it changes them. */
export function swarmOf(
  recipe: Recipe,
  fitted: (drawn: SwarmOptions, seed: number) => SwarmOptions = (drawn) => drawn,
): SwarmOptions {
  const drawn = fitted(drawSwarm(recipe.seed), recipe.seed)
  const kinds = recipe.kinds === null ? drawn.kinds : new Set(recipe.kinds)
  const workload = recipe.plain
    ? { ...drawn.workload, registers: 1, lists: 1, burstMax: 1, paddingBytesMax: 0 }
    : drawn.workload
  return {
    ...drawn,
    ...(recipe.plain ? { clockDriftMax: 0, forwards: false } : {}),
    ...(recipe.small ? { snapshotEntries: 5, keepEntries: 1 } : {}),
    kinds,
    faultFree: kinds.size === 0,
    nodes: recipe.nodes ?? drawn.nodes,
    workload: { ...workload, clients: recipe.clients ?? workload.clients },
    kept: {
      strikes: asSet(recipe.strikes),
      messages: asSet(recipe.messages),
      operations: asSet(recipe.operations),
    },
  }
}

export function printRecipe(recipe: Recipe): string {
  return `${JSON.stringify(recipe, null, 1)}\n`
}

/** Throws RecipeError. */
export function parseRecipe(text: string): Recipe {
  const found = parsed(text)
  const kinds: readonly string[] = FAULT_KINDS
  const isKind = (value: unknown): value is FaultKind => kinds.some((kind) => kind === value)
  if (found.format !== 1) throw new RecipeError('expected a recipe of format 1')
  return {
    format: 1,
    protocol: demand(found, 'protocol', isString),
    seed: demand(found, 'seed', isCount),
    luck: demand(found, 'luck', isCount),
    forMs: demand(found, 'forMs', isCount),
    brief: demand(found, 'brief', isBoolean),
    progress: demand({ progress: 0, ...found }, 'progress', isCount),
    healMs: demand({ healMs: HEAL_MS, ...found }, 'healMs', isCount),
    plain: demand(found, 'plain', isBoolean),
    small: demand(found, 'small', isBoolean),
    nodes: demand(found, 'nodes', orNull(isSome)),
    clients: demand(found, 'clients', orNull(isSome)),
    kinds: demand(found, 'kinds', orNull(listOf(isKind))),
    strikes: demand(found, 'strikes', orNull(listOf(isCount))),
    messages: demand(found, 'messages', orNull(listOf(isString))),
    operations: demand(found, 'operations', orNull(listOf(isCount))),
  }
}

function parsed(text: string): { readonly [name: string]: unknown } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new RecipeError('it is not JSON')
  }
  if (typeof value !== 'object' || value === null) throw new RecipeError('expected an object')
  return { ...value }
}

type Guard<T> = (value: unknown) => value is T

function demand<T>(found: { readonly [name: string]: unknown }, name: string, is: Guard<T>): T {
  const value = found[name]
  if (!is(value))
    throw new RecipeError(`${name}: unexpected ${JSON.stringify(value) ?? 'absence of it'}`)
  return value
}

function asSet<T>(some: readonly T[] | null): ReadonlySet<T> | null {
  return some === null ? null : new Set(some)
}

function orNull<T>(is: Guard<T>): Guard<T | null> {
  return (value): value is T | null => value === null || is(value)
}

function listOf<T>(is: Guard<T>): Guard<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(is)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** A size: nobody simulates a cluster of none, or of more than a hundred. */
function isSome(value: unknown): value is number {
  return isCount(value) && value >= 1 && value <= 100
}
