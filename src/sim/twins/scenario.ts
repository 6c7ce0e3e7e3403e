/**
 * A scenario of Twins (Bano et al. 2020): whose key two nodes have, which view each round is about and so who leads it,
 * and how the nodes are cut in two in each. All of them are numbered; of those that differ by nothing that matters one
 * stands for the rest.
 */
import type { NodeId } from '../../consensus/ids.js'
import { MUTATIONS, type Mutation, mutationOf, textOf } from './mutation.js'

export const REPLICAS: readonly NodeId[] = ['n1', 'n2', 'n3', 'n4']
export const ROUNDS = 4

export interface Scenario {
  /** Whose key two nodes have: the twins come behind the replicas, in this order. */
  readonly twins: readonly NodeId[]
  /** The view of each round: its leader is the view's primary. */
  readonly views: readonly number[]
  /** Of each round, a bit for each node: which side it is on. The first replica is on side 0. */
  readonly sides: readonly number[]
  /** What becomes of something that the compromised say. */
  readonly mutation: Mutation | null
}

/** From round to round the view grows by one or by two. */
const JUMPS = 2 ** (ROUNDS - 1)

export interface Space {
  /** How many replicas share their key: one is what PBFT bears with four, two are too many. */
  readonly pairs: number
  /** Every scenario with each mutation in flight, or none with any. */
  readonly mutated: boolean
}

/** How many numbers there are. */
export function numbersOf(space: Space): number {
  const variants = space.mutated ? MUTATIONS.length : 1
  return choicesOf(space.pairs) * JUMPS * sidesOf(space.pairs) ** ROUNDS * variants
}

/** One pair: each replica in turn. More: the first ones, which lead the first views. */
function choicesOf(pairs: number): number {
  return pairs === 1 ? REPLICAS.length : 1
}

function sidesOf(pairs: number): number {
  return 2 ** (REPLICAS.length + pairs - 1)
}

/** Null: another number is the same scenario. */
export function scenarioOf(number: number, { pairs, mutated }: Space): Scenario | null {
  let rest = number
  const take = (radix: number): number => {
    const digit = rest % radix
    rest = Math.floor(rest / radix)
    return digit
  }
  const first = take(choicesOf(pairs))
  const views = [0]
  for (let round = 1; round < ROUNDS; round++) views.push((views.at(-1) ?? 0) + 1 + take(2))
  const sides = Array.from({ length: ROUNDS }, () => 2 * take(sidesOf(pairs)))
  const mutation = mutated ? (MUTATIONS[take(MUTATIONS.length)] ?? null) : null
  const scenario = { twins: REPLICAS.slice(first, first + pairs), views, sides, mutation }
  return pairs === 1 && isSwapped(scenario) ? null : scenario
}

/** Which of two twins is which is nothing that anybody could tell: the smaller list of sides stands for both. */
function isSwapped({ twins, sides }: Scenario): boolean {
  const place = REPLICAS.indexOf(twins[0] ?? '')
  for (const mask of sides) {
    const swapped = swap(mask, place, REPLICAS.length)
    if (swapped !== mask) return swapped < mask
  }
  return false
}

/** The first replica stays on side 0: the sides have no names. */
function swap(mask: number, a: number, b: number): number {
  const [x, y] = [(mask >> a) & 1, (mask >> b) & 1]
  const swapped = x === y ? mask : mask ^ (1 << a) ^ (1 << b)
  const all = 2 ** (REPLICAS.length + 1) - 1
  return (swapped & 1) === 1 ? all ^ swapped : swapped
}

/** As --scenario takes it. */
export function printScenario({ twins, views, sides, mutation }: Scenario): string {
  const parts = [`twins=${twins.join()}`, `views=${views.join()}`, `sides=${sides.join()}`]
  if (mutation !== null) parts.push(`mutation=${textOf(mutation)}`)
  return parts.join(' ')
}

/** What is wrong with it, in words, or the scenario. */
export function parseScenario(text: string): Scenario | string {
  const fields = new Map(
    text
      .trim()
      .split(/\s+/)
      .map((part) => part.split('=') as [string, string]),
  )
  const numbers = (name: string) => (fields.get(name) ?? '').split(',').map(Number)
  const twins = (fields.get('twins') ?? '').split(',')
  const [views, sides] = [numbers('views'), numbers('sides')]
  if (!twins.every((id) => REPLICAS.includes(id)))
    return `twins: expected some of ${REPLICAS.join()}`
  const isNumber = (n: number) => Number.isInteger(n) && n >= 0 && n < 2 ** 10
  if (views.length !== ROUNDS || !views.every(isNumber)) return `views: expected ${ROUNDS} numbers`
  if (sides.length !== ROUNDS || !sides.every(isNumber)) return `sides: expected ${ROUNDS} numbers`
  const mutation = fields.has('mutation') ? mutationOf(fields.get('mutation') ?? '') : null
  if (mutation === undefined)
    return `mutation: expected such as ${textOf(MUTATIONS[0] as Mutation)}`
  return { twins, views, sides, mutation }
}
