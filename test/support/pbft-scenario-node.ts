/**
 * One replica of a scenario: the real core, a disk on which syncs complete when told, and a machine that executes each
 * request once. After every step the state must keep the invariants.
 */
import { toHex } from '../../src/base/bytes.js'
import { utf8Encode } from '../../src/base/utf8.js'
import type { Effect, Entry, Input, Request } from '../../src/consensus/contract.js'
import type { NodeId } from '../../src/consensus/ids.js'
import {
  type Message,
  type Options,
  type Pbft,
  pbft,
  type WalRecord,
} from '../../src/consensus/pbft/index.js'
import { checkState, checkTransition } from '../../src/consensus/pbft/invariants.js'
import type { Digest } from '../../src/consensus/pbft/messages.js'
import type { PbftNote } from '../../src/consensus/pbft/notes.js'
import { fakeKeys } from '../../src/crypto/fake.js'
import {
  renderMessage,
  renderNote,
  renderRecords,
  renderRequests,
  renderState,
} from './pbft-scenario-render.js'

/** In the order of emission: a gated message leaves when every write before it is on disk. */
type Unsynced =
  | { readonly type: 'write'; readonly batch: number; readonly records: readonly WalRecord[] }
  | { readonly type: 'message'; readonly to: readonly NodeId[]; readonly message: Message }

export interface Surroundings {
  readonly options: Omit<Options, 'crypto'>
  trace(line: string, chatter: boolean): void
  leave(from: NodeId, to: readonly NodeId[], message: Message): void
  applied(id: NodeId, entry: Entry): void
  nameOf(digest: Digest): string
}

const TICK_MS = 20

export class PbftScenarioNode {
  readonly id: NodeId
  autoSync = true
  core: Pbft | null = null
  machine: string[] = []
  readonly #world: Surroundings
  readonly #disk: WalRecord[][]
  #executed = new Set<string>()
  #unsynced: Unsynced[] = []
  #checkpoints: number[] = []
  #starts = 0
  #ticks = 0

  constructor(id: NodeId, world: Surroundings, formed: WalRecord) {
    this.id = id
    this.#world = world
    this.#disk = [[formed]]
  }

  /** The disk lost something that was synced: what it was nobody can tell. */
  rot(): void {
    if (this.core !== null) throw new Error(`${this.id} runs`)
    this.#disk.push([{ type: 'Lost' }])
    this.#say('has a damaged disk')
  }

  boot(): void {
    if (this.core !== null) throw new Error(`${this.id} runs already`)
    const self = { id: this.id, seed: 1, incarnation: ++this.#starts }
    const options = { ...this.#world.options, crypto: fakeKeys(this.id) }
    this.machine = []
    this.#executed = new Set()
    const { core, effects } = pbft.recover(this.#disk.flat(), self, options)
    this.core = core
    this.#check(checkState(core.state))
    this.#performAll(effects)
    if (this.autoSync) this.persist()
  }

  running(): Pbft {
    if (this.core === null) throw new Error(`${this.id} does not run`)
    return this.core
  }

  step(input: Input<Message>): void {
    const { state } = this.running()
    const before = { ...state }
    const effects = this.running().step(input)
    this.#check(checkState(state) ?? checkTransition(before, state))
    this.#performAll(effects)
    if (this.autoSync) this.persist()
    for (const index of this.#checkpoints.splice(0)) {
      const digest = toHex(fakeKeys('').digest(utf8Encode(this.machine.join(' '))))
      this.step({ type: 'CheckpointTaken', index, digest })
    }
  }

  tick(): void {
    this.#ticks++
    this.step({ type: 'Tick', now: this.#ticks * TICK_MS, nextDeadline: null })
  }

  propose(requests: readonly Request[]): void {
    this.step({ type: 'Propose', requests })
  }

  /** The disk completes all that waits. */
  persist(): boolean {
    let batch = 0
    for (const one of this.#unsynced.splice(0)) {
      if (one.type === 'message') this.#world.leave(this.id, one.to, one.message)
      else {
        this.#disk.push([...one.records])
        batch = one.batch
      }
    }
    if (batch === 0) return false
    this.step({ type: 'Persisted', batch })
    return true
  }

  /** What was written and not synced goes with the power. */
  crash(): void {
    this.running()
    const lost = this.#unsynced.filter((one) => one.type === 'write').length
    this.#unsynced = []
    this.#checkpoints = []
    this.core = null
    this.#say(
      lost > 0 ? `crashes and loses ${lost} unsynced write${lost > 1 ? 's' : ''}` : 'crashes',
    )
  }

  describe(): string {
    if (this.core === null) return `${this.id}: down`
    const { state } = this.core
    const text = renderState(state, (digest) => this.#world.nameOf(digest))
    return `${this.id}: ${text} machine=[${this.machine.join(' ')}]`
  }

  /** What goes to several leaves as one line. */
  #performAll(effects: readonly Effect<Message, WalRecord>[]): void {
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i]
      if (effect === undefined) return
      if (effect.type !== 'Send') {
        this.#perform(effect)
        continue
      }
      const to = [effect.to]
      for (let next = effects[i + 1]; next?.type === 'Send'; next = effects[i + 1]) {
        if (next.message !== effect.message) break
        to.push(next.to)
        i++
      }
      this.#send(to, effect)
    }
  }

  #send(
    to: readonly NodeId[],
    { message, gate }: { message: Message; gate: 'none' | 'durable' },
  ): void {
    if (gate === 'none' || this.#unsynced.length === 0)
      return this.#world.leave(this.id, to, message)
    this.#unsynced.push({ type: 'message', to, message })
    if (this.autoSync) return
    const text = renderMessage(message, (digest) => this.#world.nameOf(digest))
    this.#say(`holds for its disk: ${text}`, true)
  }

  #perform(effect: Exclude<Effect<Message, WalRecord>, { type: 'Send' }>): void {
    switch (effect.type) {
      case 'Persist': {
        const records = pbft.decodeRecords(pbft.encodeRecords(effect.records))
        if (records === null) throw new Error('the codec does not read what it wrote')
        this.#unsynced.push({ type: 'write', batch: effect.batch, records })
        if (!this.autoSync) this.#say(`writes ${renderRecords(records)}`, true)
        return
      }
      case 'Apply':
        for (const entry of effect.entries) this.#apply(entry)
        return
      case 'TakeCheckpoint':
        this.#checkpoints.push(effect.index)
        return
      case 'Note':
        return this.#say(renderNote(effect.note as PbftNote))
      case 'Answer':
        return this.#say(`answers: ${effect.outcome.type}`)
      case 'Release':
        return
      default:
        throw new Error(`these scenarios have no ${effect.type}`)
    }
  }

  /** As sessions do it: a request that was executed is not executed again (PROTOCOL 8). */
  #apply(entry: Entry): void {
    this.#world.applied(this.id, entry)
    for (const request of entry.requests) {
      const key = `${request.session}.${request.seq}`
      const name = renderRequests([request])
      const known = this.#executed.has(key)
      this.#executed.add(key)
      if (!known) this.machine.push(name)
      this.#say(
        known
          ? `finds ${name} at ${entry.index} executed before`
          : `executes ${entry.index}: ${name}`,
      )
    }
  }

  #say(text: string, chatter = false): void {
    this.#world.trace(`${this.id} ${text}`, chatter)
  }

  #check(broken: string | null): void {
    if (broken !== null) throw new Error(`${this.id}: ${broken}`)
  }
}
