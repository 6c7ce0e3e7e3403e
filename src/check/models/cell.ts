/**
 * One cell that is read, written, compared and swapped, and appended to: what registers, the keys of a key-value
 * store and locks come down to.
 *
 * Its books: for each value how many operations are left that need it, and how many that bring it. So it sees at
 * once when a value is left that somebody still has to see and nobody can bring back.
 */
import type { Operation } from '../history.js'
import { IMPOSSIBLE, type Space } from '../model.js'
import { isList, shorten, type Value } from '../value.js'
import type { Action, CellOperation } from './cell-actions.js'
import { Readers } from './cell-readers.js'
import { DARK, type Growth, grown, NIL_TEXT, pieceOf, Texts, textOf } from './cell-texts.js'

export function arrangeCell(all: readonly CellOperation[]): Space {
  const growth = growthOf(all)
  const { kept, shown } = relevant(all, growth)
  return new Cell(kept, new Texts(shown, growth), growth)
}

/** Values grow where something is appended: to lists where a list is shown or no text is appended, else to texts. */
function growthOf(all: readonly CellOperation[]): Growth {
  const appended = all.filter(({ action }) => action.type === 'append')
  if (appended.length === 0) return 'none'
  const lists = all.some(({ action }) =>
    action.type === 'append'
      ? typeof action.value !== 'string'
      : 'value' in action && isList(action.value),
  )
  return lists ? 'list' : 'text'
}

/** Leaves out what nobody can have noticed: of those without an answer, what brings nothing that is shown. */
function relevant(all: readonly CellOperation[], growth: Growth) {
  const shown = new Set<string>()
  let differs = false
  let candidates: CellOperation[] = []
  for (const one of all) {
    const { action } = one
    if (one.optional) {
      if (action.type === 'write' || action.type === 'swap' || action.type === 'append')
        candidates.push(one)
      continue
    }
    if (action.type === 'read' || action.type === 'differs') shown.add(textOf(action.value, growth))
    if (action.type === 'swap') shown.add(textOf(action.expected, growth))
    differs ||= action.type === 'differs'
  }
  const kept = new Set(all.filter((one) => !one.optional && one.action.type !== 'nothing'))
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    const texts = new Texts(shown, growth)
    const left: CellOperation[] = []
    for (const one of candidates) {
      if (!differs && !mayShow(one.action, texts, growth)) {
        left.push(one)
        continue
      }
      kept.add(one)
      if (one.action.type === 'swap') shown.add(textOf(one.action.expected, growth))
    }
    candidates = left
  }
  return { kept: all.filter((one) => kept.has(one)), shown }
}

function mayShow(action: Action, texts: Texts, growth: Growth): boolean {
  if (action.type === 'append') {
    const piece = pieceOf(action.value, growth)
    return piece !== null && texts.showsPiece(piece)
  }
  return 'value' in action && texts.idOf(textOf(action.value, growth)) !== DARK
}

/** An action with its values as ids; -1 where there is none. */
interface Coded {
  readonly type: Action['type']
  /** What it needs, or what it needs not to be. */
  readonly need: number
  readonly brings: number
  readonly appended: Value
  readonly classId: number
}

class Cell implements Space {
  readonly operations: readonly Operation[]
  readonly initial: number
  readonly #texts: Texts
  readonly #growth: Growth
  readonly #coded: readonly Coded[]
  readonly #optional: readonly boolean[]
  /** By value: operations left that need it, those without an answer that could use it, those that bring it. */
  readonly #needs: number[] = []
  readonly #wants: number[] = []
  readonly #brings: number[] = []
  #appends = 0
  /** Writes and swaps that are left: what can make a value that grew small again. */
  #resets = 0
  #differs = 0
  readonly #readers: Readers
  readonly #grownTo = new Map<number, number>()

  constructor(all: readonly CellOperation[], texts: Texts, growth: Growth) {
    this.operations = all.map((one) => one.operation)
    this.#optional = all.map((one) => one.optional)
    this.#texts = texts
    this.#growth = growth
    this.initial = texts.idOf(NIL_TEXT)
    const classes = new Map<string, number>()
    this.#coded = all.map((one, op) => this.#code(one, op, classes))
    this.#readers = new Readers(this.#coded, this.operations, (id) => texts.text(id).length)
    for (let op = 0; op < all.length; op++) this.#count(op, 1)
  }

  classOf(op: number): number {
    return this.#at(op).classId
  }

  observes(op: number): boolean {
    const { type } = this.#at(op)
    return type === 'read' || type === 'differs'
  }

  step(state: number, op: number): number {
    const { type, need, brings } = this.#at(op)
    switch (type) {
      case 'read':
        return state === need ? state : IMPOSSIBLE
      case 'differs':
        return state === need ? IMPOSSIBLE : state
      case 'write':
        return brings
      case 'swap':
        return state === need ? brings : IMPOSSIBLE
      case 'append':
        return this.#append(state, op)
      case 'nothing':
        return state
    }
  }

  take(op: number): void {
    this.#count(op, -1)
    this.#readers.take(op)
  }

  giveBack(op: number): void {
    this.#count(op, 1)
    this.#readers.giveBack(op)
  }

  hopeless(from: number, to: number): boolean {
    if (this.#growth !== 'none' && this.#resets === 0) {
      // It only grows from here: whoever is left to look must see what this can become.
      const shortest = this.#readers.shortest()
      if (shortest !== null && !this.#canBecome(to, shortest)) return true
    }
    if (from === to || this.#of(this.#needs, from) === 0) return false
    if (this.#of(this.#brings, from) > 0) return false
    return this.#appends === 0 || this.#resets === 0
  }

  impossible(): number | null {
    if (this.#appends > 0) return null
    for (let op = 0; op < this.#coded.length; op++) {
      const need = this.needOf(op)
      if (need === null || need === this.initial || this.#optional[op] === true) continue
      if (this.#of(this.#brings, need) === 0) return op
    }
    return null
  }

  alike(state: number): number {
    return this.#differs === 0 && this.#appends === 0 && this.#isSpent(state) ? DARK : state
  }

  needOf(op: number): number | null {
    const { type, need } = this.#at(op)
    return type === 'read' || type === 'swap' ? need : null
  }

  /**
   * A state that nobody left needs can be overwritten at no cost. So a write whose value nobody needs any more may
   * come at once, and so may a write with all that need its value, when all of them read and may come now. Not
   * while somebody needs the value to differ from another: for him the order of the others counts.
   */
  forced(state: number, pending: readonly number[]): readonly number[] {
    if (this.#differs > 0 || this.#appends > 0 || !this.#isSpent(state)) return []
    const readers = new Map<number, number[]>()
    for (const op of pending) {
      const { type, need } = this.#at(op)
      if (type !== 'read') continue
      const known = readers.get(need)
      if (known === undefined) readers.set(need, [op])
      else known.push(op)
    }
    for (const op of pending) {
      const { type, brings } = this.#at(op)
      if (type !== 'write' || this.#of(this.#wants, brings) > 0) continue
      const ready = readers.get(brings) ?? []
      if (this.#of(this.#needs, brings) === ready.length) return [op, ...ready]
    }
    return []
  }

  describe(state: number): string {
    return state === DARK ? this.#texts.text(DARK) : this.#show(this.#texts.text(state))
  }

  why(state: number, op: number): string {
    const { type, need } = this.#at(op)
    const holds = `the value is ${this.describe(state)}`
    switch (type) {
      case 'read':
        return `it read ${this.describe(need)}, but ${holds}`
      case 'swap':
        return `it found ${this.describe(need)}, but ${holds}`
      case 'differs':
        return `it did not find ${this.describe(need)}, but ${holds}`
      case 'append':
        return `it appends to what cannot grow: ${holds}`
      default:
        return `somebody after it needs ${this.describe(state)}, and nobody brings it back`
    }
  }

  #code({ action }: CellOperation, op: number, classes: Map<string, number>): Coded {
    const id = (value: Value) => this.#texts.idOf(textOf(value, this.#growth))
    const need =
      action.type === 'swap'
        ? id(action.expected)
        : action.type === 'read' || action.type === 'differs'
          ? id(action.value)
          : -1
    const brings = action.type === 'write' || action.type === 'swap' ? id(action.value) : -1
    const appended = action.type === 'append' ? action.value : null
    const piece = action.type === 'append' ? (pieceOf(appended, this.#growth) ?? `?${op}`) : ''
    const name = `${action.type} ${need} ${brings} ${piece}`
    const classId = classes.get(name) ?? classes.size
    classes.set(name, classId)
    return { type: action.type, need, brings, appended, classId }
  }

  #count(op: number, by: 1 | -1): void {
    const { type, need, brings } = this.#at(op)
    const add = (counts: number[], id: number) => {
      counts[id] = this.#of(counts, id) + by
    }
    if (type === 'append') this.#appends += by
    if (type === 'differs') this.#differs += by
    if (type === 'write' || type === 'swap') {
      this.#resets += by
      add(this.#brings, brings)
    }
    if (type === 'read' || type === 'swap')
      add(this.#optional[op] === true ? this.#wants : this.#needs, need)
  }

  /** Nobody left can tell it from any other value. */
  #isSpent(state: number): boolean {
    return this.#of(this.#needs, state) === 0 && this.#of(this.#wants, state) === 0
  }

  #canBecome(id: number, later: number): boolean {
    if (id === DARK) return false
    if (id === later || this.#texts.text(id) === NIL_TEXT) return true
    return this.#texts.text(later).startsWith(this.#texts.text(id))
  }

  #append(state: number, op: number): number {
    if (state === DARK) return DARK
    const coded = this.#at(op)
    const place = coded.classId * 0x1_0000_0000 + state
    const known = this.#grownTo.get(place)
    if (known !== undefined) return known
    const text = grown(this.#texts.text(state), coded.appended, this.#growth)
    const to = text === null ? IMPOSSIBLE : this.#texts.idOf(text)
    this.#grownTo.set(place, to)
    return to
  }

  #show(text: string): string {
    if (text === NIL_TEXT) return 'nil'
    const closed =
      this.#growth === 'text' && text.startsWith('"')
        ? `${text}"`
        : this.#growth === 'list' && text.startsWith('[')
          ? text.replace(/,$/, ']')
          : text
    return shorten(closed)
  }

  #of(counts: readonly number[], id: number): number {
    return counts[id] ?? 0
  }

  #at(op: number): Coded {
    return this.#coded[op] as Coded
  }
}
