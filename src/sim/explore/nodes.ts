/**
 * Nodes, each a core with its disk and its gate, known by number; and their steps, each taken by the real core once. The
 * search over millions of worlds then is a walk through tables: a step depends on nothing but the node and its input.
 */
import { present } from '../../base/assert.js'
import type { Core } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import type { Adapter } from './adapter.js'
import { Interned } from './interned.js'
import { encodePlain, renamePlain } from './plain.js'
import { type Deed, type Flight, type Replica, Stepper } from './replica.js'

export interface Step {
  /** 0: there is no node after it. */
  readonly node: number
  readonly sent: readonly number[]
  readonly broken: string | null
}

interface Known<M, R, C, F> {
  readonly replica: Replica<M, R, C>
  readonly facts: F
  readonly factsNumber: number
  /** Which timers may fire. */
  readonly timers: readonly number[]
  readonly proposes: boolean
  readonly unsynced: number
  /** The number of this node under each renaming, as it is asked for. */
  readonly renamed: number[]
  /** Its steps, by the code of the deed: taken so far. */
  readonly steps: Map<number, Step>
}

const NONE_SHARED: ReadonlySet<object> = new Set()

export class Nodes<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G> {
  readonly #adapter: Adapter<M, R, O, C, F, G>
  readonly #stepper: Stepper<M, R, O, C, F, G>
  readonly #nodes = new Interned<Known<M, R, C, F>>()
  readonly #flights = new Interned<Flight<M> & { readonly renamed: number[] }>()
  readonly #facts = new Interned<F>()
  #steps = 0
  readonly #renamings: readonly (readonly number[])[]

  constructor(
    adapter: Adapter<M, R, O, C, F, G>,
    given: { readonly promises: boolean; readonly renamings: readonly (readonly number[])[] },
  ) {
    this.#adapter = adapter
    this.#stepper = new Stepper(adapter, given.promises)
    this.#renamings = given.renamings
  }

  get size(): number {
    return this.#nodes.size
  }

  get flights(): number {
    return this.#flights.size
  }

  get steps(): number {
    return this.#steps
  }

  node(number: number): Known<M, R, C, F> {
    return this.#nodes.at(number)
  }

  flight(number: number): Flight<M> {
    return this.#flights.at(number)
  }

  /** All members as they start on the record that formed the cluster. */
  initial(): number[] {
    return this.#adapter.members.map((_, at) => this.#intern(this.#stepper.first(at)))
  }

  step(node: number, deed: Deed): Step {
    const { replica: before, steps } = this.#nodes.at(node)
    const code = codeOf(deed)
    const known = steps.get(code)
    if (known !== undefined) return known
    const flight = deed.type === 'deliver' ? this.#flights.at(deed.flight) : null
    const { replica, sent, broken } = this.#stepper.take(before, deed, flight)
    const step = {
      node: replica === null ? 0 : this.#intern(replica),
      sent: sent.map((one) => this.#launch(one)),
      broken,
    }
    steps.set(code, step)
    this.#steps++
    return step
  }

  /** Under every renaming. */
  isNodeRenamed(number: number): boolean {
    return this.#nodes.at(number).renamed.length === this.#renamings.length
  }

  isFlightRenamed(number: number): boolean {
    return this.#flights.at(number).renamed.length === this.#renamings.length
  }

  renamedNode(number: number, renaming: number): number {
    const known = this.#nodes.at(number)
    const before = known.renamed[renaming]
    if (before !== undefined) return before
    const { core, at, starts, disk, unsynced, held } = known.replica
    const to = present(this.#renamings[renaming])
    const move = <T>(value: T): T => renamePlain(value, this.#adapter.shared, this.#names(to))
    const renamed = this.#intern({
      at: present(to[at]),
      core: this.#adapter.coreOf(move(this.#adapter.stateOf(core))),
      starts,
      disk: move(disk),
      unsynced: move(unsynced),
      held: sorted(
        move(held).map((one) => ({ ...one, to: present(to[one.to]) })),
        (one) => encodePlain(one, this.#adapter.shared),
      ),
    })
    known.renamed[renaming] = renamed
    return renamed
  }

  renamedFlight(number: number, renaming: number): number {
    const flight = this.#flights.at(number)
    const before = flight.renamed[renaming]
    if (before !== undefined) return before
    const to = present(this.#renamings[renaming])
    const message = renamePlain(flight.message, this.#adapter.shared, this.#names(to))
    const renamed = this.#launch({
      from: present(to[flight.from]),
      to: present(to[flight.to]),
      message,
    })
    flight.renamed[renaming] = renamed
    return renamed
  }

  #names(to: readonly number[]): ReadonlyMap<NodeId, NodeId> {
    const { members } = this.#adapter
    return new Map(members.map((id, at) => [id, present(members[present(to[at])])]))
  }

  /** The representative of all nodes that no future can tell apart. */
  #intern(replica: Replica<M, R, C>): number {
    const { shared } = this.#adapter
    const zero = this.#adapter.normalise(replica.core)
    if (zero > 0) {
      replica.unsynced = replica.unsynced.map((one) => ({ ...one, batch: one.batch - zero }))
      replica.held = replica.held.map((one) => ({ ...one, batch: one.batch - zero }))
    }
    // They become a set on the network, so their order at the gate is not told either.
    replica.held = sorted(replica.held, (one) => encodePlain(one, shared))
    const { at, starts, disk, unsynced, held, core } = replica
    const state = this.#adapter.stateOf(core)
    const text = encodePlain([at, starts, disk, unsynced, held, state], shared)
    return this.#nodes.number(text, () => this.#known(replica))
  }

  #known(replica: Replica<M, R, C>): Known<M, R, C, F> {
    const { timers } = this.#adapter
    const facts = this.#adapter.factsOf(replica.core, replica.disk)
    return {
      replica,
      facts,
      factsNumber: this.#facts.number(encodePlain(facts, NONE_SHARED), () => facts),
      timers: [...timers.keys()].filter((i) => timers[i]?.enabled(replica.core) === true),
      proposes: this.#adapter.mayPropose(replica.core),
      unsynced: replica.unsynced.length,
      renamed: [],
      steps: new Map(),
    }
  }

  #launch(flight: Flight<M>): number {
    const { from, to, message } = flight
    const text = `${from}>${to} ${encodePlain(message, this.#adapter.shared)}`
    return this.#flights.number(text, () => ({ ...flight, renamed: [] }))
  }
}

/** A small number for each deed: those of nodes below 64, deliveries above. */
function codeOf(deed: Deed): number {
  switch (deed.type) {
    case 'timer':
      return deed.timer
    case 'propose':
      return 16 + deed.seq
    case 'sync':
      return 32 + deed.count
    case 'crash':
      return 48 + deed.keep
    case 'deliver':
      return 64 + deed.flight
  }
}

function sorted<T>(items: readonly T[], textOf: (item: T) => string): T[] {
  if (items.length < 2) return [...items]
  return items
    .map((item) => ({ item, text: textOf(item) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ item }) => item)
}
