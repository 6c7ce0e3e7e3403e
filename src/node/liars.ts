/**
 * Fault injection for PBFT: the kinds of `src/byzantine` as switches of a real node. What it says to its peers is told
 * by a decorated core, what it says to clients by the reply desk; what it has forgotten, at a start, by amnesia.ts.
 */
import { type Behaviour, LIARS, Liar, type LiarKind, lying } from '../byzantine/index.js'
import type { Core } from '../consensus/contract.js'
import type { Message, Pbft, WalRecord } from '../consensus/pbft/index.js'
import { Amnesia } from './amnesia.js'
import type { ByzantineKind } from './byzantine.js'

type Lies = Exclude<LiarKind, 'amnesia' | 'wrong-parts'>

export const BYZANTINE_KINDS: readonly string[] = Object.keys(LIARS)

const SWITCHED: readonly Lies[] = Object.keys(LIARS).filter(
  (kind): kind is Lies => kind !== 'amnesia' && kind !== 'wrong-parts',
)

export class Liars {
  readonly amnesia: Amnesia
  readonly #on = new Map<Lies, Behaviour>()
  readonly #acted = new Map<Lies, number>()
  #honest: Pbft | null = null
  /** As the others see it: one kind around the other. */
  #told: Core<Message, WalRecord> | null = null

  constructor(dataDir: string) {
    this.amnesia = new Amnesia(dataDir)
  }

  get kinds(): ByzantineKind[] {
    const switches = SWITCHED.map((kind) => ({
      kind,
      isOn: false,
      set: (on: boolean) => this.#set(kind, on),
      acted: () => this.#acted.get(kind) ?? 0,
    }))
    return [...switches, this.amnesia]
  }

  /** The core that the driver runs in the place of the honest one. */
  around(honest: Pbft): Core<Message, WalRecord> {
    this.#honest = honest
    this.#told = this.#decorated(honest)
    return {
      step: (input) => (this.#told ?? honest).step(input),
      status: () => honest.status(),
      stateRecord: () => honest.stateRecord(),
      shape: () => honest.shape(),
    }
  }

  /** What a client is told. */
  answer(answer: Uint8Array): Uint8Array {
    let told = answer
    for (const [kind, behaviour] of this.#on) {
      if (behaviour.answer === undefined) continue
      told = behaviour.answer(told)
      this.#act(kind)
    }
    return told
  }

  #set(kind: Lies, on: boolean): void {
    if (on === this.#on.has(kind)) return
    if (on) this.#on.set(kind, LIARS[kind]())
    else this.#on.delete(kind)
    if (this.#honest !== null) this.#told = this.#decorated(this.#honest)
  }

  #decorated(honest: Pbft): Core<Message, WalRecord> {
    const { state } = honest
    const { clusterId, crypto } = state.options
    let core: Core<Message, WalRecord> = honest
    for (const [kind, behaviour] of this.#on) {
      const liar = new Liar({ clusterId, crypto, state, partners: new Set() })
      core = lying(core, { behaviour, liar, acted: () => this.#act(kind) })
    }
    return core
  }

  #act(kind: Lies): void {
    this.#acted.set(kind, (this.#acted.get(kind) ?? 0) + 1)
  }
}
