/** The shapes of partitions, as whom each node is to block. */
import { nextInt, type RandomState, shuffled } from '../../../src/base/random.js'

export type Blocks = ReadonlyMap<string, readonly string[]>

type Shape = (names: readonly string[], victim: string, random: RandomState) => Blocks

const others = (names: readonly string[], ...not: readonly string[]) =>
  names.filter((name) => !not.includes(name))

function between(groups: readonly (readonly string[])[]): Blocks {
  const all = groups.flat()
  return new Map(
    groups.flatMap((group) => group.map((name) => [name, others(all, ...group)] as const)),
  )
}

export const SHAPES = {
  /** One against all others. */
  isolate: (names, victim) => between([[victim], others(names, victim)]),
  /** A majority and a minority, drawn. */
  split: (names, _victim, random) => {
    const mixed = shuffled(random, names)
    const cut = nextInt(random, 1, names.length - 1)
    return between([mixed.slice(0, cut), mixed.slice(cut)])
  },
  /** Every node alone. */
  shatter: (names) => between(names.map((name) => [name])),
  /** The victim hears all, and nobody hears it. */
  mute: (names, victim) => new Map([[victim, others(names, victim)]]),
  /** Everybody hears the victim, and it hears nobody. */
  deaf: (names, victim) => new Map(others(names, victim).map((name) => [name, [victim]])),
  /** Two sides that see each other only through the victim. */
  bridge: (names, victim, random) => {
    const rest = shuffled(random, others(names, victim))
    const half = Math.ceil(rest.length / 2)
    return between([rest.slice(0, half), rest.slice(half)])
  },
  /** Each hears only its two neighbours; of three, only one of them. */
  ring: (names, _victim, random) => {
    const order = shuffled(random, names)
    const at = (i: number) => order[(i + order.length) % order.length] ?? ''
    return new Map(
      order.map((name, i) => {
        const near = order.length > 3 ? [at(i - 1), at(i + 1)] : [at(i + 1)]
        return [name, others(names, name, ...near)]
      }),
    )
  },
} satisfies Record<string, Shape>

export type ShapeName = keyof typeof SHAPES
