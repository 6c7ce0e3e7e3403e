/**
 * A world: the nodes, the messages in flight, what the path must be remembered for, and what is left of the bounds. It
 * is a row of numbers: of each node, the ghost, the budgets, then the flights in order, with 0 for none.
 */
import { assert, present } from '../../base/assert.js'
import type { Core } from '../../consensus/contract.js'
import type { Adapter, Budget } from './adapter.js'
import { type Bounds, budgetLeft, FULL, packBudgets, spend } from './bounds.js'
import { Interned } from './interned.js'
import { Nodes } from './nodes.js'
import { encodePlain } from './plain.js'
import type { Deed } from './replica.js'
import type { OnMoveOf, Space, Tables } from './space.js'
import { type Verdict, Verdicts } from './verdicts.js'

export type Move =
  | { readonly type: 'node'; readonly at: number; readonly deed: Deed }
  /** Delivered, while a copy stays on its way. */
  | { readonly type: 'duplicate'; readonly at: number; readonly flight: number }
  | { readonly type: 'drop'; readonly flight: number }

export type OnMove = OnMoveOf<Move>

const NONE_SHARED: ReadonlySet<object> = new Set()

export class Worlds<M extends { readonly type: string }, R, O, C extends Core<M, R>, F, G>
  implements Space<Move>
{
  readonly nodes: Nodes<M, R, O, C, F, G>
  readonly width: number
  readonly #adapter: Adapter<M, R, O, C, F, G>
  readonly #bounds: Bounds
  readonly #count: number
  readonly #ghosts = new Interned<{ readonly ghost: G; readonly renamed: number[] }>()
  /** All orders of the nodes but their own. */
  readonly #renamings: readonly (readonly number[])[]
  /** Of each renaming: which node comes to a place. */
  readonly #origins: readonly (readonly number[])[]
  readonly #next: Int32Array
  readonly #trial: Int32Array
  /** Facts of each node, the ghost, and whose step it was. */
  readonly #judged: Int32Array
  readonly #verdicts: Verdicts
  /** Moves that would have had more in flight than the bound allows. */
  #cut = 0

  constructor(
    adapter: Adapter<M, R, O, C, F, G>,
    bounds: Bounds,
    given: { readonly promises?: boolean; readonly symmetry?: boolean } = {},
  ) {
    this.#adapter = adapter
    this.#bounds = bounds
    this.#count = adapter.members.length
    this.width = this.#count + 2 + bounds.flights
    this.#renamings = given.symmetry === false ? [] : renamingsOf(this.#count)
    this.#origins = this.#renamings.map((to) => [...to.keys()].map((at) => to.indexOf(at)))
    const promises = given.promises ?? true
    this.nodes = new Nodes(adapter, { promises, renamings: this.#renamings })
    this.#next = new Int32Array(this.width)
    this.#trial = new Int32Array(this.width)
    this.#judged = new Int32Array(this.#count + 2)
    this.#verdicts = new Verdicts(this.#count + 2)
  }

  get tables(): Tables {
    const { size: nodes, flights, steps: coreSteps } = this.nodes
    return { nodes, flights, coreSteps, cut: this.#cut }
  }

  initial(): Int32Array {
    const world = new Int32Array(this.width)
    world.set(this.nodes.initial())
    world[this.#count] = this.#ghostNumber(this.#adapter.noGhost)
    world[this.#count + 1] = packBudgets(this.#bounds)
    return world
  }

  /** The same world with the budgets of the bounds. */
  refilled(world: Int32Array): Int32Array {
    const out = Int32Array.from(world)
    out[this.#count + 1] = packBudgets(this.#bounds)
    this.#cut = 0
    return out
  }

  /** The same world, and nothing of the budgets is used up: for a walk to where a search begins. */
  unbounded(world: Int32Array): Int32Array {
    const out = Int32Array.from(world)
    out[this.#count + 1] = packBudgets(FULL)
    return out
  }

  /** After the first move of this kind; null: there is none. */
  after(world: Int32Array, is: (move: Move) => boolean): Int32Array | null {
    const found: Int32Array[] = []
    this.moves(world, (move, next, broken) => {
      if (found.length === 0 && broken === null && is(move)) found.push(Int32Array.from(next))
    })
    return found[0] ?? null
  }

  proposes(world: Int32Array, at: number): boolean {
    return this.nodes.node(world[at] as number).proposes
  }

  timerOf(deed: Deed): string | null {
    return deed.type === 'timer' ? present(this.#adapter.timers[deed.timer]).name : null
  }

  /** Every move that can be made, in a fixed order. */
  moves(world: Int32Array, onMove: OnMove): void {
    for (let i = this.#count + 2; i < this.width && world[i] !== 0; i++)
      this.#flightMoves(world, world[i] as number, onMove)
    for (let at = 0; at < this.#count; at++) this.#nodeMoves(world, at, onMove)
  }

  #flightMoves(world: Int32Array, flight: number, onMove: OnMove): void {
    const at = this.nodes.flight(flight).to
    const deed: Deed = { type: 'deliver', flight }
    const budgets = world[this.#count + 1] as number
    this.#move(world, { move: { type: 'node', at, deed }, at, deed, gone: flight, budgets }, onMove)
    if (budgetLeft(budgets, 'duplicates') > 0) {
      const move: Move = { type: 'duplicate', at, flight }
      const left = spend(budgets, 'duplicates')
      this.#move(world, { move, at, deed, gone: 0, budgets: left }, onMove)
    }
    if (budgetLeft(budgets, 'drops') > 0) {
      this.#next.set(world)
      this.#next[this.#count + 1] = spend(budgets, 'drops')
      this.#remove(this.#next, flight)
      onMove({ type: 'drop', flight }, this.#next, null)
    }
  }

  #nodeMoves(world: Int32Array, at: number, onMove: OnMove): void {
    const known = this.nodes.node(world[at] as number)
    const budgets = world[this.#count + 1] as number
    const make = (deed: Deed, cost: Budget | null): void => {
      if (cost !== null && budgetLeft(budgets, cost) === 0) return
      const left = cost === null ? budgets : spend(budgets, cost)
      const move: Move = { type: 'node', at, deed }
      this.#move(world, { move, at, deed, gone: 0, budgets: left }, onMove)
    }
    for (const timer of known.timers)
      make({ type: 'timer', timer }, present(this.#adapter.timers[timer]).cost)
    const seq = this.#bounds.entries - budgetLeft(budgets, 'entries') + 1
    if (known.proposes) make({ type: 'propose', seq }, 'entries')
    for (let count = 1; count <= known.unsynced; count++) make({ type: 'sync', count }, null)
    for (let keep = 0; keep <= known.unsynced; keep++) make({ type: 'crash', keep }, 'crashes')
  }

  #move(
    world: Int32Array,
    given: { move: Move; at: number; deed: Deed; gone: number; budgets: number },
    onMove: OnMove,
  ): void {
    const { move, at, deed, gone, budgets } = given
    const step = this.nodes.step(world[at] as number, deed)
    const next = this.#next
    next.set(world)
    next[this.#count + 1] = budgets
    if (step.broken !== null) return onMove(move, next, step.broken)
    next[at] = step.node
    if (gone !== 0) this.#remove(next, gone)
    for (const flight of step.sent)
      if (!this.#insert(next, flight)) {
        this.#cut++
        return
      }
    const broken = step.node === world[at] ? null : this.#judge(next, at)
    onMove(move, next, broken)
  }

  #judge(next: Int32Array, at: number): string | null {
    const row = this.#judged
    for (let i = 0; i < this.#count; i++) row[i] = this.nodes.node(next[i] as number).factsNumber
    row[this.#count] = next[this.#count] as number
    row[this.#count + 1] = at
    const verdict = this.#verdicts.of(row, () => this.#judgeAnew(next, at))
    if (typeof verdict === 'string') return verdict
    next[this.#count] = verdict
    return null
  }

  #judgeAnew(next: Int32Array, at: number): Verdict {
    const number = next[this.#count] as number
    const { ghost } = this.#ghosts.at(number)
    const facts: F[] = []
    for (let i = 0; i < this.#count; i++) facts.push(this.nodes.node(next[i] as number).facts)
    const after = this.#adapter.judge(ghost, facts, at)
    if (typeof after === 'string') return after
    return after === ghost ? number : this.#ghostNumber(after)
  }

  #ghostNumber(ghost: G): number {
    return this.#ghosts.number(encodePlain(ghost, NONE_SHARED), () => ({ ghost, renamed: [] }))
  }

  #remove(world: Int32Array, flight: number): void {
    let i = world.indexOf(flight, this.#count + 2)
    assert(i >= 0, 'only what is in flight can leave')
    for (; i < this.width; i++) world[i] = i + 1 < this.width ? (world[i + 1] as number) : 0
  }

  /** In order. What is in flight already is not there twice: a second copy is what duplicates are for. */
  #insert(world: Int32Array, flight: number): boolean {
    let i = this.#count + 2
    while (i < this.width && world[i] !== 0 && (world[i] as number) < flight) i++
    if (world[i] === flight) return true
    if (world[this.width - 1] !== 0) return false
    for (let j = this.width - 1; j > i; j--) world[j] = world[j - 1] as number
    world[i] = flight
    return true
  }

  /**
   * The smallest row among those of all renamings of the nodes. Sound: no rule of the core asks for more of a name than
   * whether two are equal, but for the order in which it sends, and the network has none; so a renamed world can do
   * exactly the renamed moves, and breaks a promise exactly where this one does.
   */
  canonical(world: Int32Array, into: Int32Array): void {
    into.set(world)
    const isKnown = this.#isKnown(world)
    for (let renaming = 0; renaming < this.#renamings.length; renaming++) {
      if (isKnown && this.#isMore(world, renaming, into)) continue
      this.#rename(world, renaming)
      if (isLess(this.#trial, into)) into.set(this.#trial)
    }
  }

  /** All that is in it was renamed before: then a renaming can be passed over without numbering anything later. */
  #isKnown(world: Int32Array): boolean {
    for (let at = 0; at < this.#count; at++)
      if (!this.nodes.isNodeRenamed(world[at] as number)) return false
    for (let i = this.#count + 2; i < this.width && world[i] !== 0; i++)
      if (!this.nodes.isFlightRenamed(world[i] as number)) return false
    const { renamed } = this.#ghosts.at(world[this.#count] as number)
    return renamed.length === this.#renamings.length
  }

  /** By its nodes alone, which tell nearly always. */
  #isMore(world: Int32Array, renaming: number, than: Int32Array): boolean {
    const from = present(this.#origins[renaming])
    for (let at = 0; at < this.#count; at++) {
      const node = this.nodes.renamedNode(world[from[at] as number] as number, renaming)
      const other = than[at] as number
      if (node !== other) return node > other
    }
    return false
  }

  #rename(world: Int32Array, renaming: number): void {
    const to = present(this.#renamings[renaming])
    const trial = this.#trial
    for (let at = 0; at < this.#count; at++)
      trial[to[at] as number] = this.nodes.renamedNode(world[at] as number, renaming)
    trial[this.#count] = this.#renamedGhost(world[this.#count] as number, renaming)
    trial[this.#count + 1] = world[this.#count + 1] as number
    trial.fill(0, this.#count + 2)
    for (let i = this.#count + 2; i < this.width && world[i] !== 0; i++)
      this.#insert(trial, this.nodes.renamedFlight(world[i] as number, renaming))
  }

  #renamedGhost(number: number, renaming: number): number {
    const known = this.#ghosts.at(number)
    const before = known.renamed[renaming]
    if (before !== undefined) return before
    const to = present(this.#renamings[renaming])
    const renamed = this.#ghostNumber(this.#adapter.renameGhost(known.ghost, to))
    known.renamed[renaming] = renamed
    return renamed
  }

  describeMove(move: Move): string {
    const { members } = this.#adapter
    if (move.type === 'drop') return `lost: ${this.describeFlight(move.flight)}`
    if (move.type === 'duplicate') return `twice: ${this.describeFlight(move.flight)}, a copy stays`
    const id = present(members[move.at])
    const { deed } = move
    switch (deed.type) {
      case 'deliver':
        return this.describeFlight(deed.flight)
      case 'timer':
        return `${id}: ${present(this.#adapter.timers[deed.timer]).name}`
      case 'propose':
        return `${id}: a client asks for x${deed.seq}`
      case 'sync':
        return `${id}: the disk syncs ${deed.count === 1 ? 'a batch' : `${deed.count} batches`}`
      case 'crash':
        return `${id}: dies with ${deed.keep} of its unsynced batches on disk, and starts`
    }
  }

  describeStep(move: Move, next: Int32Array): string {
    const what = this.describeMove(move)
    return move.type === 'drop' ? what : `${what}; ${this.describeNode(next, move.at)}`
  }

  describeFlight(number: number): string {
    const { from, to, message } = this.nodes.flight(number)
    const { members } = this.#adapter
    return `${members[from]} -> ${members[to]}: ${this.#adapter.describeMessage(message)}`
  }

  describeNode(world: Int32Array, at: number): string {
    const { replica } = this.nodes.node(world[at] as number)
    return `${this.#adapter.members[at]} is ${this.#adapter.describeCore(replica.core)}`
  }
}

function isLess(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number)
  return false
}

function renamingsOf(count: number): number[][] {
  let all: number[][] = [[]]
  for (let i = 0; i < count; i++)
    all = all.flatMap((start) =>
      [...Array(count).keys()].filter((to) => !start.includes(to)).map((to) => [...start, to]),
    )
  return all.slice(1)
}
