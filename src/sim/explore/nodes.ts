/**
 * Nodes, each a core with its disk and its gate, known by number; and their steps, each taken by the real core once. The
 * search over millions of worlds then is a walk through tables: a step depends on nothing but the node and its input.
 */
import { AssertionError, present } from '../../base/assert.js'
import type { Core, Effect, Input } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { type Adapter, NOW_MS } from './adapter.js'
import { Interned } from './interned.js'
import { clonePlain, encodePlain, renamePlain } from './plain.js'

/** A message on its way. Nodes by their place among the members. */
export interface Flight<M> {
  readonly from: number
  readonly to: number
  readonly message: M
}

export interface Replica<M, R, C> {
  readonly at: number
  core: C
  /** How often it started: its incarnation. */
  starts: number
  /** What is synced. */
  disk: readonly R[]
  /** Written and not synced, oldest first, numbered from 1. */
  unsynced: { readonly batch: number; readonly records: readonly R[] }[]
  /** At the gate, until that batch is on disk. */
  held: { readonly batch: number; readonly to: number; readonly message: M }[]
}

/** What a node can be asked to do. */
export type Deed =
  | { readonly type: 'deliver'; readonly flight: number }
  | { readonly type: 'timer'; readonly timer: number }
  | { readonly type: 'propose'; readonly seq: number }
  /** The oldest so many unsynced batches reach the disk. */
  | { readonly type: 'sync'; readonly count: number }
  /** Dies and starts again; of the unsynced batches the oldest `keep` happened to reach the disk. */
  | { readonly type: 'crash'; readonly keep: number }

export interface Step {
  /** 0: there is no node after it. */
  readonly node: number
  readonly sent: readonly number[]
  readonly broken: string | null
}

interface Known<M, R, C, F> {
  readonly replica: Replica<M, R, C>
  readonly facts: F
  /** Which timers may fire. */
  readonly timers: readonly number[]
  readonly proposes: boolean
  readonly unsynced: number
  /** The number of this node under each renaming, as it is asked for. */
  readonly renamed: number[]
}

const CODES = 2 ** 24

export class Nodes<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G> {
  readonly #adapter: Adapter<M, R, O, C, F, G>
  readonly #promises: boolean
  readonly #nodes = new Interned<Known<M, R, C, F>>()
  readonly #flights = new Interned<Flight<M> & { readonly renamed: number[] }>()
  readonly #steps = new Map<number, Step>()
  readonly #renamings: readonly (readonly number[])[]

  constructor(
    adapter: Adapter<M, R, O, C, F, G>,
    given: { readonly promises: boolean; readonly renamings: readonly (readonly number[])[] },
  ) {
    this.#adapter = adapter
    this.#promises = given.promises
    this.#renamings = given.renamings
  }

  get size(): number {
    return this.#nodes.size
  }

  get flights(): number {
    return this.#flights.size
  }

  get steps(): number {
    return this.#steps.size
  }

  node(number: number): Known<M, R, C, F> {
    return this.#nodes.at(number)
  }

  flight(number: number): Flight<M> {
    return this.#flights.at(number)
  }

  /** All members as they start on the record that formed the cluster. */
  initial(): number[] {
    const { members, bootstrap } = this.#adapter
    return members.map((id, at) => {
      const disk = this.#adapter.compact(id, [bootstrap])
      const replica = { at, starts: 0, disk, unsynced: [], held: [] }
      const sent: number[] = []
      return this.#intern(this.#started(replica, sent))
    })
  }

  step(node: number, deed: Deed): Step {
    const key = node * CODES + codeOf(deed)
    const known = this.#steps.get(key)
    if (known !== undefined) return known
    const step = this.#take(this.#nodes.at(node).replica, deed)
    this.#steps.set(key, step)
    return step
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

  #take(before: Replica<M, R, C>, deed: Deed): Step {
    const replica = this.#copied(before)
    const sent: number[] = []
    try {
      const broken = this.#carry(replica, deed, sent)
      if (broken !== null) return { node: 0, sent, broken }
      const wrong =
        deed.type === 'crash' ? null : this.#adapter.checkStep(before.core, replica.core)
      if (wrong !== null) return { node: 0, sent, broken: wrong }
      return { node: this.#intern(replica), sent, broken: null }
    } catch (error) {
      // A node that stops itself has found an impossible state: nothing in this world may bring that about.
      if (!(error instanceof AssertionError)) throw error
      return { node: 0, sent, broken: `assertion: ${error.message}` }
    }
  }

  #carry(replica: Replica<M, R, C>, deed: Deed, sent: number[]): string | null {
    switch (deed.type) {
      case 'deliver': {
        const { from, message } = this.#flights.at(deed.flight)
        this.#adapter.beforeReceive(replica.core, message)
        return this.#input(replica, { type: 'Receive', from: this.#id(from), message }, sent)
      }
      case 'timer':
        present(this.#adapter.timers[deed.timer]).arm(replica.core)
        return this.#input(replica, { type: 'Tick', now: NOW_MS, nextDeadline: null }, sent)
      case 'propose': {
        const { seq } = deed
        const command = Uint8Array.of(seq)
        const requests = [{ session: 1, seq, ackedThrough: 0, command }]
        return this.#input(replica, { type: 'Propose', requests }, sent)
      }
      case 'sync':
        return this.#sync(replica, deed.count, sent)
      case 'crash': {
        const { at, starts } = replica
        const written = replica.unsynced.slice(0, deed.keep).flatMap((one) => one.records)
        const disk = this.#adapter.compact(this.#id(at), [...replica.disk, ...written])
        Object.assign(replica, this.#started({ at, starts, disk, unsynced: [], held: [] }, sent))
        return null
      }
    }
  }

  /** One sync: what was written before it is on disk, what waited for that leaves, then the core hears of it. */
  #sync(replica: Replica<M, R, C>, count: number, sent: number[]): string | null {
    const done = replica.unsynced.splice(0, count)
    const { batch } = present(done.at(-1))
    const written = done.flatMap((one) => one.records)
    replica.disk = this.#adapter.compact(this.#id(replica.at), [...replica.disk, ...written])
    const leaving = replica.held.filter((one) => one.batch <= batch)
    replica.held = replica.held.filter((one) => one.batch > batch)
    for (const { to, message } of leaving) {
      const broken = this.#leave(replica, to, message, sent)
      if (broken !== null) return broken
    }
    return this.#input(replica, { type: 'Persisted', batch }, sent)
  }

  #input(replica: Replica<M, R, C>, input: Input<M>, sent: number[]): string | null {
    return this.#effects(replica, replica.core.step(input), sent)
  }

  #effects(
    replica: Replica<M, R, C>,
    effects: readonly Effect<M, R>[],
    sent: number[],
  ): string | null {
    for (const effect of effects) {
      switch (effect.type) {
        case 'Persist':
          replica.unsynced.push({ batch: effect.batch, records: effect.records })
          break
        case 'Send': {
          const to = this.#adapter.members.indexOf(effect.to)
          const last = replica.unsynced.at(-1)
          if (effect.gate === 'none' || last === undefined) {
            const broken = this.#leave(replica, to, effect.message, sent)
            if (broken !== null) return broken
          } else replica.held.push({ batch: last.batch, to, message: effect.message })
          break
        }
        case 'Apply':
        case 'Answer':
        case 'Note':
          break
        default:
          throw new Error(`these worlds have no ${effect.type}`)
      }
    }
    return null
  }

  #leave(replica: Replica<M, R, C>, to: number, message: M, sent: number[]): string | null {
    sent.push(this.#launch({ from: replica.at, to, message }))
    if (!this.#promises) return null
    const { at, disk } = replica
    return this.#adapter.checkLeaving(this.#id(at), this.#id(to), message, disk)
  }

  #started(given: Omit<Replica<M, R, C>, 'core'>, sent: number[]): Replica<M, R, C> {
    const starts = given.starts + 1
    const self = { id: this.#id(given.at), seed: 1, incarnation: starts }
    const { protocol, options } = this.#adapter
    const { core, effects } = protocol.recover(given.disk, self, options)
    const replica = { ...given, starts, core }
    this.#effects(replica, effects, sent)
    return replica
  }

  #copied(replica: Replica<M, R, C>): Replica<M, R, C> {
    const { stateOf, coreOf, shared } = this.#adapter
    const core = coreOf(clonePlain(stateOf(replica.core), shared))
    return { ...replica, core, unsynced: [...replica.unsynced], held: [...replica.held] }
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
    return {
      replica,
      facts: this.#adapter.factsOf(replica.core, replica.disk),
      timers: [...timers.keys()].filter((i) => timers[i]?.enabled(replica.core) === true),
      proposes: this.#adapter.mayPropose(replica.core),
      unsynced: replica.unsynced.length,
      renamed: [],
    }
  }

  #launch(flight: Flight<M>): number {
    const { from, to, message } = flight
    const text = `${from}>${to} ${encodePlain(message, this.#adapter.shared)}`
    return this.#flights.number(text, () => ({ ...flight, renamed: [] }))
  }

  #id(at: number): NodeId {
    return present(this.#adapter.members[at])
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
