/**
 * A replica that lies: an honest core within, and between it and the world somebody with its key. It signs what it
 * likes in its own name; nobody here has another's key. Simulator and real node decorate their core alike.
 */
import { toHex } from '../base/bytes.js'
import { utf8Encode } from '../base/utf8.js'
import type { Core, Effect, Input } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { hashedBytes, signedBytes } from '../consensus/pbft/encoding.js'
import type { Message, WalRecord } from '../consensus/pbft/index.js'
import type { Batch, Digest, Statement } from '../consensus/pbft/messages.js'
import type { Crypto } from '../consensus/pbft/options.js'
import type { State } from '../consensus/pbft/state.js'

export interface Flight {
  readonly to: NodeId
  readonly message: Message
}

/** What one kind of liar does; what is absent it does as an honest replica. */
export interface Behaviour {
  /** What leaves in the place of one message to one peer; the same flight alone: the truth. */
  send?(flight: Flight, liar: Liar): readonly Flight[]
  /** What it says unasked, once a tick. */
  tick?(liar: Liar): readonly Flight[]
  /** What it still knows of its log at a start. */
  records?(records: readonly WalRecord[]): readonly WalRecord[]
  /** What a client is told instead of the answer. */
  answer?(answer: Uint8Array): Uint8Array
  /** What is given out instead of a part of a snapshot. */
  part?(part: Uint8Array): Uint8Array
}

export interface LiarSetup {
  readonly clusterId: string
  readonly crypto: Crypto
  readonly state: State
  /** Who lies with it. */
  readonly partners: ReadonlySet<NodeId>
}

export class Liar {
  readonly #setup: LiarSetup
  #ticks = 0

  constructor(setup: LiarSetup) {
    this.#setup = setup
  }

  /** Of the honest core within: read, never changed. */
  get state(): State {
    return this.#setup.state
  }

  get id(): NodeId {
    return this.state.id
  }

  get ticks(): number {
    return this.#ticks
  }

  ticked(): void {
    this.#ticks++
  }

  /** Whom it lies to. */
  get victims(): NodeId[] {
    const { partners } = this.#setup
    return this.state.replicas.filter((id) => id !== this.id && !partners.has(id))
  }

  /** Every second one of its victims: those who are told the other story. */
  isOther(to: NodeId): boolean {
    return this.victims.indexOf(to) % 2 === 1
  }

  isVictim(to: NodeId): boolean {
    return to !== this.id && !this.#setup.partners.has(to)
  }

  digestOf(batch: Batch | null): Digest {
    const { clusterId, crypto } = this.#setup
    return toHex(crypto.digest(hashedBytes(clusterId, batch)))
  }

  /** Of nothing. */
  garbage(salt: string): Digest {
    return toHex(this.#setup.crypto.digest(utf8Encode(`garbage ${salt}`)))
  }

  /** With its own key, whatever it says. */
  signed<S extends Statement>(statement: S): S {
    const { clusterId, crypto } = this.#setup
    const unsigned = { ...statement, sender: this.id }
    return { ...unsigned, signature: crypto.sign(signedBytes(clusterId, unsigned)) }
  }

  /** In its own name and of this epoch. */
  says<S extends Statement>(body: Omit<S, 'sender' | 'epoch' | 'signature'>): S {
    const { epoch } = this.state
    const unsigned = { ...body, sender: this.id, epoch, signature: new Uint8Array(0) }
    return this.signed(unsigned as unknown as S)
  }

  toVictims(message: Message): Flight[] {
    return this.victims.map((to) => ({ to, message }))
  }
}

/** The core as the others see it. `acted` runs each time it lies. */
export function lying(
  core: Core<Message, WalRecord>,
  { behaviour, liar, acted }: { behaviour: Behaviour; liar: Liar; acted: () => void },
): Core<Message, WalRecord> {
  type Step = Effect<Message, WalRecord>
  const told = (effect: Step & { type: 'Send' }): readonly Step[] => {
    const truth = { to: effect.to, message: effect.message }
    if (behaviour.send === undefined || !liar.isVictim(effect.to)) return [effect]
    const flights = behaviour.send(truth, liar)
    if (flights.length === 1 && flights[0] === truth) return [effect]
    acted()
    return flights.map(({ to, message }) => ({ type: 'Send', to, message, gate: effect.gate }))
  }
  return {
    step: (input: Input<Message>) => {
      const effects = core.step(input).flatMap((one) => (one.type === 'Send' ? told(one) : [one]))
      if (input.type !== 'Tick' || liar.state.replicas.length === 0) return effects
      liar.ticked()
      const more = behaviour.tick?.(liar) ?? []
      if (more.length > 0) acted()
      return [
        ...effects,
        ...more.map(({ to, message }): Step => ({ type: 'Send', to, message, gate: 'durable' })),
      ]
    },
    status: () => core.status(),
    stateRecord: () => core.stateRecord(),
    shape: () => core.shape(),
  }
}

/** The same flight with another message. */
export function instead(flight: Flight, message: Message): readonly Flight[] {
  return message === flight.message ? [flight] : [{ to: flight.to, message }]
}
