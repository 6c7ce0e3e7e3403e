/**
 * Worlds of PBFT: a row holds the number of each honest replica and nothing else. What was said stays in the air for
 * ever, so it is part of who said it; and the liar has no state, since it may say anything at any time.
 */
import { present } from '../../../base/assert.js'
import { Pbft, type State } from '../../../consensus/pbft/index.js'
import { primaryOf } from '../../../consensus/pbft/quorum.js'
import { isPrimary } from '../../../consensus/pbft/state.js'
import { Interned } from '../interned.js'
import { encodePlain, renamePlain } from '../plain.js'
import type { OnMoveOf, Space, Tables } from '../space.js'
import { Alphabet, type Group, type Said } from './alphabet.js'
import type { PbftWorld } from './list.js'
import { normalise, normaliseSaid } from './normal.js'
import { sameOrder } from './order.js'
import { type Facts, factsOf, judge } from './promises.js'
import { type Deed, type Replica, Stepper } from './replica.js'
import { type Letter, type Setting, settingOf } from './setting.js'
import { describeReplica } from './words.js'

export type Move =
  | { readonly type: 'hear'; readonly at: number; readonly telling: number }
  | { readonly type: 'leave'; readonly at: number }
  | { readonly type: 'ask'; readonly at: number; readonly letter: number }

interface Known {
  readonly replica: Replica
  readonly facts: Facts
  readonly said: Said
  /** Something was proposed to it. */
  readonly touched: boolean
  readonly leaves: boolean
  readonly proposes: boolean
  readonly renamed: number[]
}

/** `next` is 0 where a promise is broken. */
interface Effective {
  readonly move: Move
  readonly second: boolean
  readonly next: number
  readonly broken: string | null
}

const NODES = 2 ** 26

export class PbftWorlds implements Space<Move> {
  readonly width: number
  readonly #setting: Setting
  /** The places of those who do not lie. */
  readonly #honest: readonly number[]
  readonly #shared: ReadonlySet<object>
  readonly #stepper: Stepper
  readonly #alphabet: Alphabet
  readonly #nodes = new Interned<Known>()
  readonly #effects = new Map<number, readonly Effective[]>()
  readonly #judged = new Map<number, string | null>()
  readonly #renamings: readonly (readonly number[])[]
  readonly #next: Int32Array
  readonly #trial: Int32Array
  #steps = 0

  constructor(world: PbftWorld, options: { readonly symmetry?: boolean } = {}) {
    this.#setting = settingOf(world)
    const { ids, liar, views, options: tuning, letters } = this.#setting
    this.#honest = [...ids.keys()].filter((place) => place !== liar)
    this.width = this.#honest.length
    this.#shared = new Set<object>([tuning, ...letters.flatMap(({ batch }) => batch ?? [])])
    this.#stepper = new Stepper(this.#setting, this.#shared)
    this.#alphabet = new Alphabet(this.#setting)
    const primaries = [...Array(views).keys()].map((view) => ids.indexOf(primaryOf(ids, view)))
    const alike = this.#honest.filter((place) => !primaries.includes(place))
    this.#renamings = options.symmetry === false ? [] : renamingsOf(ids.length, alike)
    this.#next = new Int32Array(this.width)
    this.#trial = new Int32Array(this.width)
  }

  get tables(): Tables {
    return {
      nodes: this.#nodes.size,
      flights: this.#alphabet.size,
      coreSteps: this.#steps,
      cut: 0,
    }
  }

  initial(): Int32Array {
    return Int32Array.from(this.#honest, (place) => this.#intern(this.#stepper.first(place)))
  }

  moves(world: Int32Array, onMove: OnMoveOf<Move>): void {
    const said: Said[] = this.#setting.ids.map(() => new Map())
    let untouched = true
    for (const [i, place] of this.#honest.entries()) {
      const known = this.#known(world[i])
      said[place] = known.said
      untouched &&= !known.touched
    }
    for (const [i, place] of this.#honest.entries()) {
      const number = world[i] ?? 0
      for (const one of this.#ownMoves(number)) this.#make(world, i, one, untouched, onMove)
      for (const group of this.#alphabet.groupsFor(place, said))
        for (const one of this.#heard(number, group)) this.#make(world, i, one, untouched, onMove)
    }
  }

  /** Both batches are alike until one of them is proposed: let that be the first. */
  #make(
    world: Int32Array,
    i: number,
    { move, second, next, broken }: Effective,
    untouched: boolean,
    onMove: OnMoveOf<Move>,
  ): void {
    if (second && untouched) return
    this.#next.set(world)
    if (broken !== null) return onMove(move, this.#next, broken)
    this.#next[i] = next
    onMove(move, this.#next, this.#judge(this.#next, i))
  }

  #judge(world: Int32Array, i: number): string | null {
    const mine = world[i] ?? 0
    for (const other of world) {
      const broken = this.#judgePair(mine, other) ?? this.#judgePair(other, mine)
      if (broken !== null) return broken
    }
    return null
  }

  #judgePair(a: number, b: number): string | null {
    const key = a * NODES + b
    const known = this.#judged.get(key)
    if (known !== undefined) return known
    const verdict = judge(this.#known(a).facts, this.#known(b).facts)
    this.#judged.set(key, verdict)
    return verdict
  }

  /** Deeds that nobody else has a part in. */
  #ownMoves(number: number): readonly Effective[] {
    const key = -number
    const known = this.#effects.get(key)
    if (known !== undefined) return known
    const { replica, leaves, proposes } = this.#known(number)
    const { at } = replica
    const made: Effective[] = []
    if (leaves) made.push(this.#take(number, { type: 'leave' }, { type: 'leave', at }, false))
    if (proposes)
      for (const [i, letter] of this.#setting.letters.entries())
        made.push(
          this.#take(number, { type: 'ask', letter }, { type: 'ask', at, letter: i }, i > 0),
        )
    this.#effects.set(key, made)
    return made
  }

  /** What makes a difference to it. */
  #heard(number: number, group: Group): readonly Effective[] {
    const key = number * NODES + group.number + 1
    const known = this.#effects.get(key)
    if (known !== undefined) return known
    const { at } = this.#known(number).replica
    const made: Effective[] = []
    const seen = new Set<number>()
    for (const { number: telling, from, messages, second } of group.tellings) {
      const deed: Deed = { type: 'hear', from, messages }
      const one = this.#take(number, deed, { type: 'hear', at, telling }, second)
      if (one.broken === null && (one.next === number || seen.has(one.next))) continue
      seen.add(one.next)
      made.push(one)
    }
    this.#effects.set(key, made)
    return made
  }

  #take(number: number, deed: Deed, move: Move, second: boolean): Effective {
    this.#steps++
    const before = this.#known(number).replica
    const { replica, broken } = this.#stepper.take(before, deed)
    if (replica === before) return { move, second, next: number, broken }
    return { move, second, next: replica === null ? 0 : this.#intern(replica), broken }
  }

  #intern(replica: Replica): number {
    const { at, core, said, entered } = replica
    const told = new Map([...said].map(([key, m]) => [key, this.#alphabet.numberOf(m)]))
    const text = encodePlain([at, core.state, told, entered], this.#shared)
    return this.#nodes.number(text, () => this.#describe(replica, told))
  }

  #describe(replica: Replica, said: Said): Known {
    const { state } = replica.core
    const { views, indices } = this.#setting
    return {
      replica,
      facts: factsOf(replica),
      said,
      touched: state.slots.size > 0,
      leaves: state.view + 1 < views,
      proposes: isPrimary(state) && state.primary !== null && state.primary.lastProposed < indices,
      renamed: [],
    }
  }

  #known(number: number | undefined): Known {
    return this.#nodes.at(number ?? 0)
  }

  /** Sound as for Raft's worlds: whoever leads none of the views is only counted. */
  canonical(world: Int32Array, into: Int32Array): void {
    into.set(world)
    for (const [i, to] of this.#renamings.entries()) {
      for (const [j, place] of this.#honest.entries()) {
        const target = this.#honest.indexOf(present(to[place]))
        this.#trial[target] = this.#renamed(world[j] ?? 0, i, to)
      }
      if (isLess(this.#trial, into)) into.set(this.#trial)
    }
  }

  #renamed(number: number, renaming: number, to: readonly number[]): number {
    const { replica, renamed } = this.#known(number)
    const before = renamed[renaming]
    if (before !== undefined) return before
    const { ids } = this.#setting
    const names = new Map(ids.map((id, place) => [id, present(ids[present(to[place])])]))
    const move = <T>(value: T): T =>
      sameOrder(renamePlain(value, this.#shared, names), this.#shared)
    const { at, core, said, entered } = replica
    const { replicas, configuration } = core.state
    // The list of replicas is what it was: it tells who leads.
    const state: State = { ...move(core.state), replicas, configuration }
    const told = new Map(move(said))
    normalise(state, this.#setting)
    normaliseSaid(told, this.#setting)
    const after = this.#intern({
      at: present(to[at]),
      core: new Pbft(state),
      said: told,
      entered,
    })
    renamed[renaming] = after
    return after
  }

  describeMove(move: Move): string {
    const id = present(this.#setting.ids[move.at])
    switch (move.type) {
      case 'leave':
        return `${id} has waited long enough`
      case 'ask':
        return `${id} is asked for ${present<Letter>(this.#setting.letters[move.letter]).name}`
      case 'hear':
        return `${id} <- ${this.#alphabet.describe(this.#alphabet.telling(move.telling))}`
    }
  }

  describeStep(move: Move, next: Int32Array): string {
    const number = next[this.#honest.indexOf(move.at)]
    return `${this.describeMove(move)}; ${describeReplica(this.#setting, this.#known(number).replica)}`
  }
}

function isLess(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0]
    if (x !== y) return x < y
  }
  return false
}

/** All orders of those who are alike but their own; the rest stay where they are. */
function renamingsOf(count: number, alike: readonly number[]): number[][] {
  let orders: number[][] = [[]]
  for (const _ of alike)
    orders = orders.flatMap((start) =>
      alike.filter((place) => !start.includes(place)).map((place) => [...start, place]),
    )
  return orders
    .map((order) => [...Array(count).keys()].map((place) => order[alike.indexOf(place)] ?? place))
    .filter((to) => to.some((place, i) => place !== i))
}
