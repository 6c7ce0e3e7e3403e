/** The worlds that `quorate explore --protocol pbft` searches, each with what it is after. */

export interface PbftWorld {
  readonly name: string
  readonly about: string
  readonly replicas: number
  /** Which of n1, n2, ... lies. The primary of view v is number v+1. */
  readonly liar: number
  /** How many: 0 up to the last but one. */
  readonly views: number
  readonly indices: number
  /** Moves, in the words of a path, that lead to where the search begins. */
  readonly begin: readonly string[]
  /** The search ends here at the latest. */
  readonly statesMax: number
  /** All that the bounds allow is to be reached before. */
  readonly whole: boolean
  /** Instead of breadth first: walks to where nothing is left to do, the moves drawn from this seed. */
  readonly walksFrom?: number
}

const FOUR = { replicas: 4, views: 2, indices: 1, begin: [], statesMax: 1_000_000, whole: true }
const SAMPLED = { ...FOUR, indices: 2, statesMax: 10_000, whole: false, walksFrom: 1 }
const THREE = { ...FOUR, views: 3, statesMax: 10_000, whole: false, walksFrom: 1 }

/** View 1 began without what one replica alone has prepared in view 0, and something else is proposed in it. */
const SECOND_VIEW = [
  'n1 is asked for A',
  'n3 <- PrePrepare 0/1 A',
  'n1 <- Prepare 0/1 A of n3, Prepare 0/1 A of n4',
  'n2 has waited long enough',
  'n3 has waited long enough',
  'n2 <- ViewChange 1 of n3 [], ViewChange 1 of n4 []',
  'n3 <- NewView 1 of [n2 n3 n4]: []',
  'n2 is asked for B',
  'n3 <- PrePrepare 1/1 B',
]

/** The one that takes longest is the last, and begun first. */
export const PBFT_WORLDS: readonly PbftWorld[] = [
  {
    ...FOUR,
    name: 'six',
    about: 'six replicas, one view; n1 lies, who leads it',
    replicas: 6,
    views: 1,
    liar: 1,
  },
  { ...FOUR, name: 'lying-successor', about: 'two views; n2 lies, who leads view 1', liar: 2 },
  { ...FOUR, name: 'lying-backup', about: 'two views; n3 lies, who leads neither', liar: 3 },
  { ...FOUR, name: 'lying-primary', about: 'two views; n1 lies, who leads view 0', liar: 1 },
  {
    ...FOUR,
    name: 'three-views',
    about: 'a third view, from where two batches are prepared in two views; n4 lies',
    views: 3,
    liar: 4,
    begin: SECOND_VIEW,
  },
  {
    ...THREE,
    name: 'three-views-1',
    about: 'three views, sampled; n1 lies, who leads view 0',
    liar: 1,
  },
  {
    ...THREE,
    name: 'three-views-2',
    about: 'three views, sampled; n2 lies, who leads view 1',
    liar: 2,
  },
  {
    ...THREE,
    name: 'three-views-3',
    about: 'three views, sampled; n3 lies, who leads view 2',
    liar: 3,
  },
  { ...SAMPLED, name: 'two-indices-2', about: 'two indices, sampled; n2 lies', liar: 2 },
  { ...SAMPLED, name: 'two-indices-3', about: 'two indices, sampled; n3 lies', liar: 3 },
  { ...SAMPLED, name: 'two-indices-1', about: 'two indices, sampled; n1 lies', liar: 1 },
]
