/**
 * One node of a world: a core, its disk and its gate, and what one input makes of them. The core is the real one; what a
 * host owes it (PROTOCOL 5) is kept here: a durable send leaves once every batch emitted before it is on disk.
 */
import { AssertionError, present } from '../../base/assert.js'
import type { Core, Effect, Input } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { type Adapter, NOW_MS } from './adapter.js'
import { clonePlain } from './plain.js'

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

export interface Taken<M, R, C> {
  /** Null: there is no node after it. */
  readonly replica: Replica<M, R, C> | null
  readonly sent: readonly Flight<M>[]
  readonly broken: string | null
}

export class Stepper<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G> {
  readonly #adapter: Adapter<M, R, O, C, F, G>
  readonly #promises: boolean
  #sent: Flight<M>[] = []

  constructor(adapter: Adapter<M, R, O, C, F, G>, promises: boolean) {
    this.#adapter = adapter
    this.#promises = promises
  }

  /** Of the cluster as it is formed. */
  first(at: number): Replica<M, R, C> {
    const { bootstrap, compact } = this.#adapter
    const disk = compact(this.#id(at), [bootstrap])
    const blank = { at, starts: 0, disk, unsynced: [], held: [] }
    const { core, starts } = this.#recovered(blank)
    return { ...blank, core, starts }
  }

  /** `flight`: what is delivered, if that is the deed. */
  take(before: Replica<M, R, C>, deed: Deed, flight: Flight<M> | null): Taken<M, R, C> {
    const replica = this.#copied(before)
    this.#sent = []
    const sent = this.#sent
    try {
      const broken =
        this.#carry(replica, deed, flight) ??
        this.#adapter.checkStep(deed.type === 'crash' ? null : before.core, replica.core)
      return { replica: broken === null ? replica : null, sent, broken }
    } catch (error) {
      // A node that stops itself has found an impossible state: nothing in this world may bring that about.
      if (!(error instanceof AssertionError)) throw error
      return { replica: null, sent, broken: `assertion: ${error.message}` }
    }
  }

  #carry(replica: Replica<M, R, C>, deed: Deed, flight: Flight<M> | null): string | null {
    switch (deed.type) {
      case 'deliver': {
        const { from, message } = present(flight)
        this.#adapter.beforeReceive(replica.core, message)
        return this.#input(replica, { type: 'Receive', from: this.#id(from), message })
      }
      case 'timer':
        present(this.#adapter.timers[deed.timer]).arm(replica.core)
        return this.#input(replica, { type: 'Tick', now: NOW_MS, nextDeadline: null })
      case 'propose': {
        const { seq } = deed
        const command = Uint8Array.of(seq)
        const requests = [{ session: 1, seq, ackedThrough: 0, command }]
        return this.#input(replica, { type: 'Propose', requests })
      }
      case 'sync':
        return this.#sync(replica, deed.count)
      case 'crash': {
        const written = replica.unsynced.slice(0, deed.keep).flatMap((one) => one.records)
        replica.disk = this.#adapter.compact(this.#id(replica.at), [...replica.disk, ...written])
        replica.unsynced = []
        replica.held = []
        const { core, starts, effects } = this.#recovered(replica)
        replica.core = core
        replica.starts = starts
        return this.#effects(replica, effects)
      }
    }
  }

  /** One sync: what was written before it is on disk, what waited for that leaves, then the core hears of it. */
  #sync(replica: Replica<M, R, C>, count: number): string | null {
    const done = replica.unsynced.splice(0, count)
    const { batch } = present(done.at(-1))
    const written = done.flatMap((one) => one.records)
    replica.disk = this.#adapter.compact(this.#id(replica.at), [...replica.disk, ...written])
    const leaving = replica.held.filter((one) => one.batch <= batch)
    replica.held = replica.held.filter((one) => one.batch > batch)
    for (const { to, message } of leaving) {
      const broken = this.#leave(replica, to, message)
      if (broken !== null) return broken
    }
    return this.#input(replica, { type: 'Persisted', batch })
  }

  #input(replica: Replica<M, R, C>, input: Input<M>): string | null {
    return this.#effects(replica, replica.core.step(input))
  }

  #effects(replica: Replica<M, R, C>, effects: readonly Effect<M, R>[]): string | null {
    for (const effect of effects) {
      switch (effect.type) {
        case 'Persist':
          replica.unsynced.push({ batch: effect.batch, records: effect.records })
          break
        case 'Send': {
          const to = this.#adapter.members.indexOf(effect.to)
          const last = replica.unsynced.at(-1)
          if (effect.gate === 'none' || last === undefined) {
            const broken = this.#leave(replica, to, effect.message)
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

  #leave(replica: Replica<M, R, C>, to: number, message: M): string | null {
    this.#sent.push({ from: replica.at, to, message })
    if (!this.#promises) return null
    const { at, disk } = replica
    return this.#adapter.checkLeaving(this.#id(at), this.#id(to), message, disk)
  }

  #recovered({ at, starts, disk }: Omit<Replica<M, R, C>, 'core'>): {
    readonly core: C
    readonly starts: number
    readonly effects: readonly Effect<M, R>[]
  } {
    const self = { id: this.#id(at), seed: 1, incarnation: starts + 1 }
    const { protocol, options } = this.#adapter
    return { ...protocol.recover(disk, self, options), starts: starts + 1 }
  }

  #copied(replica: Replica<M, R, C>): Replica<M, R, C> {
    const { stateOf, coreOf, shared } = this.#adapter
    const core = coreOf(clonePlain(stateOf(replica.core), shared))
    return { ...replica, core, unsynced: [...replica.unsynced], held: [...replica.held] }
  }

  #id(at: number): NodeId {
    return present(this.#adapter.members[at])
  }
}
