/** Plays a scenario: four rounds, each in two halves of the world, then all together until what is asked is executed. */
import type { Request } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { signedBytes } from '../../consensus/pbft/encoding.js'
import type { Message } from '../../consensus/pbft/index.js'
import { type Statement, statementsOf } from '../../consensus/pbft/messages.js'
import { fakeVerify } from '../../crypto/fake.js'
import { PbftChecker } from '../checkers/pbft.js'
import { check, Violation } from '../checkers/violation.js'
import { CLUSTER_ID, mutated } from './mutation.js'
import { type Surroundings, TwinsNode } from './node.js'
import { REPLICAS, type Scenario } from './scenario.js'

export interface Verdict {
  /** Null: nothing that PBFT promises was broken. */
  readonly violation: { readonly invariant: string; readonly message: string } | null
  /** Indices that every honest node executed in the rounds, and mutations that were made. */
  readonly executed: number
  readonly mutations: number
  readonly trace: readonly string[]
}

interface Flight {
  readonly from: TwinsNode
  readonly to: TwinsNode
  readonly message: Message
}

/** A round that does not end is wrong. */
const DELIVERIES_MAX = 20_000
/** After the last round, for all to execute what is asked last. Views may fail before one does not. */
const HEALED_TICKS_MAX = 400

export function play(scenario: Scenario, options: { readonly trace?: boolean } = {}): Verdict {
  const world = new World(scenario, options.trace ?? false)
  let violation: Verdict['violation'] = null
  try {
    world.play()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = { invariant: error.invariant, message: error.message }
  }
  return {
    violation,
    executed: world.executedInRounds,
    mutations: world.mutations,
    trace: world.trace,
  }
}

class World implements Surroundings {
  readonly checker = new PbftChecker()
  readonly trace: string[] = []
  executedInRounds = 0
  mutations = 0
  readonly #scenario: Scenario
  readonly #tracing: boolean
  readonly #nodes: readonly TwinsNode[]
  #flights: Flight[] = []
  /** Null: all together. */
  #round: number | null = 0
  #connected = true
  #asked = new Set<number>()
  readonly #executed = new Map<number, string>()
  /** The last of its kind that the compromised said, and the one before. */
  readonly #saidBefore = new Map<string, Message[]>()
  readonly #tamperedWith = new WeakMap<Message, Message>()
  /** Once each: they never change. */
  readonly #verified = new WeakSet<Statement>()

  constructor(scenario: Scenario, tracing: boolean) {
    this.#scenario = scenario
    this.#tracing = tracing
    const { twins } = scenario
    const names = [...REPLICAS.map((id) => [id, id]), ...twins.map((id) => [`${id}'`, id])]
    this.#nodes = names.map(
      ([name = '', id = '']) =>
        new TwinsNode(name, id, { honest: !twins.includes(id), world: this }),
    )
  }

  play(): void {
    for (const round of this.#scenario.sides.keys()) this.#playRound(round)
    const lengths = this.#honest().map((one) => one.core.state.lastExecuted)
    this.executedInRounds = Math.min(...lengths)
    this.#heal()
  }

  #playRound(round: number): void {
    const view = this.#scenario.views[round] ?? 0
    this.#tell(() => `round ${round}, view ${view}: ${this.#describeSides(round)}`)
    this.#round = round
    // Whoever is two views behind asks for the first of them in vain.
    this.#connected = false
    for (const node of this.#nodes) node.leaveFor(view - 1)
    this.#connected = true
    for (const node of this.#nodes) node.leaveFor(view)
    this.#settle()
    for (const [place, node] of this.#nodes.entries())
      node.step({ type: 'Propose', requests: [this.#request(2 * round + 1 + this.#side(place))] })
    this.#settle()
  }

  /** All that is promised to those who wait: what is asked of everybody is executed by all who do not share a key. */
  #heal(): void {
    this.#round = null
    const last = this.#request(100)
    this.#tell(() => 'all together')
    for (const node of this.#nodes) node.step({ type: 'Propose', requests: [last] })
    for (let ticks = 0; ticks < HEALED_TICKS_MAX; ticks++) {
      this.#settle()
      if (this.#honest().every((node) => node.history.some((text) => hasSeq(text, last.seq))))
        return
      for (const node of this.#nodes) node.tick()
    }
    // Of more than f nothing is promised.
    if (this.#scenario.twins.length === 1)
      throw new Violation(
        'progress',
        `not executed in ${HEALED_TICKS_MAX} ticks after the last round`,
      )
  }

  #honest(): TwinsNode[] {
    return this.#nodes.filter((one) => one.honest)
  }

  #request(seq: number): Request {
    this.#asked.add(seq)
    return { session: 1, seq, ackedThrough: 0, command: Uint8Array.of(seq) }
  }

  #side(place: number): number {
    return this.#round === null ? 0 : ((this.#scenario.sides[this.#round] ?? 0) >> place) & 1
  }

  launch(from: TwinsNode, to: NodeId, original: Message): void {
    const message = from.honest ? original : this.#tampered(original)
    const { id } = from
    if (from.honest) this.checker.sent(id, to, message)
    if (!this.#connected) return
    const side = this.#side(this.#nodes.indexOf(from))
    for (const [place, node] of this.#nodes.entries())
      if (node.id === to && this.#side(place) === side)
        this.#flights.push({ from, to: node, message })
  }

  #tampered(m: Message): Message {
    const { mutation } = this.#scenario
    if (mutation === null || m.type !== mutation.kind) return m
    // Kept by what it said, not by whom it was told.
    const said = this.#saidBefore.get(m.type) ?? []
    if (said.at(-1) !== m) said.push(m)
    this.#saidBefore.set(m.type, said.slice(-2))
    if (this.#round !== mutation.round) return m
    const known = this.#tamperedWith.get(m)
    if (known !== undefined) return known
    const after = mutated(m, mutation, said.length > 1 ? (said.at(-2) ?? null) : null)
    if (after !== m) this.mutations++
    this.#tamperedWith.set(m, after)
    return after
  }

  #settle(): void {
    for (let left = DELIVERIES_MAX; this.#flights.length > 0; left--) {
      check(left > 0, 'rest', () => 'the messages do not end')
      const [flight] = this.#flights.splice(0, 1)
      if (flight === undefined) return
      const { from, to, message } = flight
      if (!this.#isAuthentic(message)) continue
      this.#tell(() => `${from.name} -> ${to.name} ${message.type} ${slotOf(message)}`)
      to.step({ type: 'Receive', from: from.id, message })
    }
  }

  /** Every signature, as a host does it before the core sees the message. */
  #isAuthentic(message: Message): boolean {
    for (const one of statementsOf(message)) {
      if (this.#verified.has(one)) continue
      if (!fakeVerify(one.sender, signedBytes(CLUSTER_ID, one), one.signature)) return false
      this.#verified.add(one)
    }
    return true
  }

  /** Agreement, and validity: what is executed was asked for. */
  executed(by: TwinsNode, index: number, requests: readonly Request[]): void {
    const text = requests.map((one) => one.seq).join('+')
    const known = this.#executed.get(index)
    if (known === undefined) this.#executed.set(index, text)
    else
      check(
        known === text,
        'agreement',
        () => `${by.name} executes ${text || 'nothing'} at ${index}, another ${known || 'nothing'}`,
      )
    for (const { seq } of requests)
      check(
        this.#asked.has(seq),
        'validity',
        () => `${by.name} executes ${seq}, which nobody asked for`,
      )
  }

  note(line: string): void {
    this.#tell(() => line)
  }

  #tell(line: () => string): void {
    if (this.#tracing) this.trace.push(line())
  }

  #describeSides(round: number): string {
    const mask = this.#scenario.sides[round] ?? 0
    const side = (wanted: number) =>
      this.#nodes.filter((_, place) => ((mask >> place) & 1) === wanted).map((one) => one.name)
    return [side(0), side(1)].map((names) => names.join(' ')).join(' | ')
  }
}

function hasSeq(text: string | undefined, seq: number): boolean {
  return (text ?? '').split('+').includes(String(seq))
}

function slotOf(m: Message): string {
  if (m.type === 'PrePrepare') return `${m.proposed.view}/${m.proposed.index}`
  if (m.type === 'Prepare' || m.type === 'Commit') return `${m.view}/${m.index} of ${m.sender}`
  return 'view' in m ? `${m.view}` : ''
}
