/**
 * An honest replica of a world: the real core, and what it ever said. Its disk is as fast as its core, so all that it
 * writes is there before anything else happens.
 */
import { AssertionError } from '../../../base/assert.js'
import type { Effect, Entry, Input } from '../../../consensus/contract.js'
import type { NodeId } from '../../../consensus/ids.js'
import {
  type Message,
  Pbft,
  pbft,
  type State,
  type WalRecord,
} from '../../../consensus/pbft/index.js'
import { checkState, checkTransition } from '../../../consensus/pbft/invariants.js'
import { NOW_MS } from '../adapter.js'
import { clonePlain } from '../plain.js'
import { type Normal, normalise, normaliseSaid } from './normal.js'
import { checkSaid, type Entered, enteredBy } from './promises.js'
import type { Letter, Setting } from './setting.js'

export interface Replica {
  readonly at: number
  readonly core: Pbft
  /** By kind, view and index: one each, or it would have contradicted itself. */
  readonly said: ReadonlyMap<string, Message>
  /** The views that it entered, and what they began with. */
  readonly entered: readonly Entered[]
}

export type Deed =
  | { readonly type: 'hear'; readonly from: NodeId; readonly messages: readonly Message[] }
  /** It has waited long enough, for whatever it is. */
  | { readonly type: 'leave' }
  | { readonly type: 'ask'; readonly letter: Letter }

export interface Taken {
  /** Null: there is no replica after it. The same as before: nothing was written, said or executed. */
  readonly replica: Replica | null
  readonly broken: string | null
}

/** What the others can be told to have said; all else either proves itself or is the liar's as well. */
export function saidKey(m: Message): string | null {
  switch (m.type) {
    case 'PrePrepare':
      return `PrePrepare ${m.proposed.view} ${m.proposed.index}`
    case 'Prepare':
    case 'Commit':
      return `${m.type} ${m.view} ${m.index}`
    case 'ViewChange':
    case 'NewView':
      return `${m.type} ${m.view}`
    default:
      return null
  }
}

export class Stepper {
  readonly #setting: Setting
  readonly #shared: ReadonlySet<object>
  readonly #normal: Normal = new WeakSet()
  /** A copy that a deed left as it was, in normal form: the next deed of the same replica may have it. */
  #spare: { readonly of: Replica; readonly state: State } | null = null

  constructor(setting: Setting, shared: ReadonlySet<object>) {
    this.#setting = setting
    this.#shared = shared
  }

  first(at: number): Replica {
    const { ids, options } = this.#setting
    const self = { id: ids[at] ?? '', seed: 1, incarnation: 1 }
    const records = [pbft.bootstrap(ids.map((id) => ({ id, uid: `uid-${id}` })))]
    const { core } = pbft.recover(records, self, options)
    core.state.now = NOW_MS
    normalise(core.state, this.#setting)
    return { at, core, said: new Map(), entered: [] }
  }

  take(before: Replica, deed: Deed): Taken {
    const state = this.#copyOf(before)
    const core = new Pbft(state)
    const old = { ...state }
    const run = new Run(core)
    try {
      switch (deed.type) {
        case 'hear':
          for (const message of deed.messages)
            run.input({ type: 'Receive', from: deed.from, message })
          break
        case 'leave':
          // A request or proposal that waited too long, or a new view: the clock of either is at its end.
          state.primarySuspected = true
          state.viewChangeElapsed = state.viewChangeTicks
          state.heardElapsed = 0
          run.input({ type: 'Tick', now: NOW_MS, nextDeadline: null })
          break
        case 'ask':
          run.input({ type: 'Propose', requests: deed.letter.batch?.requests ?? [] })
      }
    } catch (error) {
      // A node that stops itself has found an impossible state: nothing in this world may bring that about.
      if (!(error instanceof AssertionError)) throw error
      return { replica: null, broken: `assertion: ${error.message}` }
    }
    if (run.quiet) {
      normalise(state, this.#setting, this.#normal)
      this.#spare = { of: before, state }
      return { replica: before, broken: null }
    }
    const said = new Map(before.said)
    const problem =
      checkState(state) ??
      checkTransition(old, state) ??
      checkSaid(said, run.sent) ??
      run.checkApplied(this.#setting)
    if (problem !== null) return { replica: null, broken: `${state.id}: ${problem}` }
    const entered = enteredBy(before.entered, state)
    normalise(state, this.#setting, this.#normal)
    normaliseSaid(said, this.#setting)
    return { replica: { at: before.at, core, said, entered }, broken: null }
  }

  #copyOf(before: Replica): State {
    const spare = this.#spare
    this.#spare = null
    if (spare?.of === before) return spare.state
    return clonePlain(before.core.state, this.#shared)
  }
}

/** One deed: the core steps until its disk has all that it wrote. */
class Run {
  readonly sent: Message[] = []
  /** Nothing was written, sent or executed: what changed is what the normal form leaves out. */
  quiet = true
  readonly #applied: Entry[] = []
  readonly #core: Pbft

  constructor(core: Pbft) {
    this.#core = core
  }

  input(input: Input<Message>): void {
    let effects: readonly Effect<Message, WalRecord>[] = this.#core.step(input)
    for (;;) {
      let written = 0
      for (const effect of effects) {
        if (effect.type !== 'Note') this.quiet = false
        if (effect.type === 'Persist') written = effect.batch
        else this.#perform(effect)
      }
      if (written === 0) return
      effects = this.#core.step({ type: 'Persisted', batch: written })
    }
  }

  #perform(effect: Exclude<Effect<Message, WalRecord>, { type: 'Persist' }>): void {
    switch (effect.type) {
      case 'Send':
        this.sent.push(effect.message)
        return
      case 'Apply':
        this.#applied.push(...effect.entries)
        return
      case 'Note':
      case 'Answer':
        return
      default:
        throw new Error(`these worlds have no ${effect.type}`)
    }
  }

  /** Validity: what is executed is what was asked for, and what was committed there. */
  checkApplied({ letters, nullLetter }: Setting): string | null {
    const { slots } = this.#core.state
    for (const { index, requests } of this.#applied) {
      const text = seqsOf(requests)
      const letter = [...letters, nullLetter].find(({ batch }) => seqsOf(batch?.requests) === text)
      if (letter === undefined) return `validity: it executes ${text}, which nobody asked for`
      if (slots.get(index)?.committed?.[0]?.digest !== letter.digest)
        return `validity: it executes ${letter.name} at ${index}, and something else was committed`
    }
    return null
  }
}

function seqsOf(requests: readonly { readonly seq: number }[] = []): string {
  return requests.map((one) => one.seq).join('+')
}
