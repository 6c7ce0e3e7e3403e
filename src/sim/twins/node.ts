/**
 * One node of a scenario: the real core under a name, and a disk on which all that is written is at once. Two nodes may
 * have one name, and so one key.
 */
import { AssertionError } from '../../base/assert.js'
import { toHex } from '../../base/bytes.js'
import { utf8Encode } from '../../base/utf8.js'
import type { Effect, Input, Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type Pbft,
  pbft,
  type WalRecord,
} from '../../consensus/pbft/index.js'
import { fakeKeys } from '../../crypto/fake.js'
import type { PbftChecker } from '../checkers/pbft.js'
import { Violation } from '../checkers/violation.js'
import { CLUSTER_ID } from './mutation.js'
import { REPLICAS } from './scenario.js'

const TICK_MS = 20
/** Few, so that checkpoints become stable within the few indices of a scenario. */
const CHECKPOINT_INTERVAL = 2

const TUNING: Omit<Options, 'crypto'> = {
  ...DEFAULT_OPTIONS,
  clusterId: CLUSTER_ID,
  checkpointInterval: CHECKPOINT_INTERVAL,
  windowIndices: 2 * CHECKPOINT_INTERVAL,
  requestTicks: 10,
  viewChangeTicks: 10,
  viewChangeTicksMax: 40,
  statusTicks: 2,
}

/** What all nodes of a scenario share. */
export interface Surroundings {
  readonly checker: PbftChecker
  launch(from: TwinsNode, to: NodeId, message: Message): void
  /** An honest node executed this. */
  executed(by: TwinsNode, index: number, requests: readonly Request[]): void
  note(line: string): void
}

export class TwinsNode {
  readonly name: string
  readonly id: NodeId
  /** It has its key to itself. */
  readonly honest: boolean
  core: Pbft
  /** By index, in words. */
  readonly history: string[] = []
  #now = 1_000
  /** One of two that share a key may find itself in an impossible state: then it is dead. */
  #dead = false
  #checkpoints: number[] = []
  readonly #world: Surroundings

  constructor(name: string, id: NodeId, given: { honest: boolean; world: Surroundings }) {
    this.name = name
    this.id = id
    this.honest = given.honest
    this.#world = given.world
    const records = [pbft.bootstrap(REPLICAS.map((one) => ({ id: one, uid: one })))]
    const self = { id, seed: 1, incarnation: 1 }
    const { core } = pbft.recover(records, self, { ...TUNING, crypto: fakeKeys(id) })
    this.core = core
    if (this.honest) this.#world.checker.started(id, core, records)
    this.tick()
  }

  tick(): void {
    this.#now += TICK_MS
    this.step({ type: 'Tick', now: this.#now, nextDeadline: null })
  }

  /** Until it asks for that view: it has waited long enough. */
  leaveFor(view: number): void {
    const { state } = this.core
    while (!this.#dead && state.view < view) {
      state.primarySuspected = true
      state.viewChangeElapsed = state.viewChangeTicks
      // Whatever it hears.
      state.heardElapsed = 0
      this.tick()
    }
  }

  step(input: Input<Message>): void {
    if (this.#dead) return
    try {
      this.#run(input)
      // The machine tells its state once the core has come to rest, as a host's does.
      for (const index of this.#checkpoints.splice(0))
        this.#run({ type: 'CheckpointTaken', index, digest: this.#digestAt(index) })
    } catch (error) {
      if (error instanceof AssertionError && this.honest)
        throw new Violation('assertion', `${this.name}: ${error.message}`)
      if (!(error instanceof AssertionError)) throw error
      this.#dead = true
    }
  }

  #run(input: Input<Message>): void {
    let effects = this.core.step(input)
    if (this.honest) this.#world.checker.stepped(this.id, this.core, input, effects)
    for (;;) {
      const batch = this.#perform(effects)
      if (batch === 0) return
      const persisted: Input<Message> = { type: 'Persisted', batch }
      effects = this.core.step(persisted)
      if (this.honest) this.#world.checker.stepped(this.id, this.core, persisted, effects)
    }
  }

  /** The last batch that was written. All is on disk before anything leaves. */
  #perform(effects: readonly Effect<Message, WalRecord>[]): number {
    let written = 0
    for (const effect of effects) if (effect.type === 'Persist') written = effect.batch
    if (written > 0 && this.honest) this.#world.checker.synced(this.id, written)
    for (const effect of effects) this.#performOne(effect)
    return written
  }

  #performOne(effect: Effect<Message, WalRecord>): void {
    switch (effect.type) {
      case 'Send':
        return this.#world.launch(this, effect.to, effect.message)
      case 'Apply':
        for (const { index, requests } of effect.entries) {
          this.history[index] = requests.map((one) => one.seq).join('+')
          if (this.honest) this.#world.executed(this, index, requests)
        }
        return
      case 'TakeCheckpoint':
        this.#checkpoints.push(effect.index)
        return
      case 'Note':
        if (effect.note.event === 'state-diverged' && this.honest)
          throw new Violation(
            'diverged',
            `${this.name}: another state than Q at ${effect.note.index}`,
          )
        return this.#world.note(`  ${this.name}: ${effect.note.event} ${effect.note.detail ?? ''}`)
      default:
        return
    }
  }

  #digestAt(index: number): string {
    const state = this.history.slice(0, index + 1).join(';')
    return toHex(fakeKeys('').digest(utf8Encode(state)))
  }
}
