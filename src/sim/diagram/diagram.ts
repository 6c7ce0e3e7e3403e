/** A run as a sequence diagram: what happened at which node, and which message went where. */

export type Weight = 1 | 2 | 3

export type Happening =
  | {
      readonly kind: 'message'
      readonly atMs: number
      readonly sentMs: number
      readonly from: string
      readonly to: string
      readonly label: string
      /** False: it never arrived. `atMs` is then when it was sent. */
      readonly arrived: boolean
      readonly weight: Weight
    }
  | {
      readonly kind: 'local'
      readonly atMs: number
      readonly node: string
      readonly label: string
      readonly life: 'begins' | 'ends' | null
      readonly weight: Weight
    }
  /** A strike, a client's answer, the end. */
  | {
      readonly kind: 'note'
      readonly atMs: number
      readonly label: string
      readonly tone: 'fault' | 'client' | 'failure'
      readonly weight: Weight
    }

export interface Diagram {
  readonly nodes: readonly string[]
  readonly happenings: readonly Happening[]
  /** Of all that happened, how much is not shown. */
  readonly leftOut: number
}

/** The last of the weightiest, as many as `max`, in their order. */
export function chosen(all: readonly Happening[], max: number): readonly Happening[] {
  const places = all.map((_, place) => place)
  const ofWeight = (weight: Weight) => places.filter((place) => all[place]?.weight === weight)
  const kept: number[] = []
  // Of what is weighty old things too, but never only old things.
  kept.push(...last(ofWeight(3), Math.ceil(max / 2)))
  for (const weight of [2, 1] as const) kept.push(...last(ofWeight(weight), max - kept.length))
  kept.sort((a, b) => a - b)
  return kept.flatMap((place) => all[place] ?? [])
}

function last<T>(some: readonly T[], count: number): readonly T[] {
  return count <= 0 ? [] : some.slice(-count)
}
