/** One cell, made ready for the search. */
import type { Operation } from '../history.js'
import { IMPOSSIBLE, type Space } from '../model.js'
import { shorten, type Value } from '../value.js'
import type { CellOperation } from './cell-actions.js'
import { Books, type Coded } from './cell-books.js'
import { DARK, type Growth, NIL_TEXT, pieceOf, type Texts, textOf } from './cell-texts.js'
import { findHomes } from './homes.js'

/** How many of the most urgent readers are asked, after each step, whether they can still see what they saw. */
const READERS_ASKED_MAX = 8

export class CellSpace implements Space {
  readonly operations: readonly Operation[]
  readonly initial: number
  readonly #texts: Texts
  readonly #growth: Growth
  readonly #coded: readonly Coded[]
  readonly #books: Books
  /** By append: the only state that it can lead to; and whether something was read that cannot be. */
  readonly #homes: { readonly of: ReadonlyMap<number, number>; readonly impossible: boolean }
  readonly #grownTo = new Map<number, number>()

  constructor(all: readonly CellOperation[], texts: Texts, growth: Growth) {
    this.operations = all.map((one) => one.operation)
    this.#texts = texts
    this.#growth = growth
    this.initial = texts.idOf(NIL_TEXT)
    const classes = new Map<string, number>()
    this.#coded = all.map((one, op) => this.#code(one, op, classes))
    this.#homes = this.#findHomes()
    this.#books = new Books(this.#coded, this.operations, growth === 'none' ? null : texts)
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
      case 'append': {
        const to = this.#append(state, op)
        const home = this.#homes.of.get(op)
        return home === undefined || home === to ? to : IMPOSSIBLE
      }
      case 'nothing':
        return state
    }
  }

  take(op: number): void {
    this.#books.take(op)
  }

  giveBack(op: number): void {
    this.#books.giveBack(op)
  }

  hopeless(from: number, to: number, op: number): boolean {
    const books = this.#books
    if (this.#growth !== 'none' && this.#at(op).type === 'append' && books.wasted(op, to))
      return true
    if (this.#growth !== 'none')
      return books.anyNeeder((reader) => this.#misses(reader, to), READERS_ASKED_MAX)
    if (from !== to && books.isMissing(from)) return true
    // Nobody has to use an operation without an answer, so it has to be of use.
    return this.#at(op).optional && books.differs === 0 && books.isSpent(to)
  }

  impossible(): number | null {
    if (this.#growth !== 'none') return this.#homes.impossible ? 0 : null
    for (let op = 0; op < this.#coded.length; op++) {
      const { optional } = this.#at(op)
      const need = this.needOf(op)
      if (need === null || need === this.initial || optional) continue
      if (this.#books.isMissing(need)) return op
    }
    return null
  }

  alike(state: number): number {
    const { differs } = this.#books
    return this.#growth === 'none' && differs === 0 && this.#books.isSpent(state) ? DARK : state
  }

  needOf(op: number): number | null {
    const { type, need } = this.#at(op)
    return type === 'read' || type === 'swap' ? need : null
  }

  serves(state: number, need: number): boolean {
    return this.#growth === 'none' ? state === need : this.#texts.canBecome(state, need)
  }

  isLost(state: number): boolean {
    return this.#growth !== 'none' && state === DARK
  }

  /**
   * A value that is of no use any more can be overwritten at no cost. So a write may come at once together with all
   * that could use what it brings, when all of them read and may come now. Not while somebody needs the value to
   * differ from another: for him the order of the others counts.
   */
  forced(state: number, pending: readonly number[], deadline: number): readonly number[] {
    const books = this.#books
    if (this.#growth !== 'none')
      return state === DARK && books.differs === 0 ? pending.filter((op) => this.#isUnseen(op)) : []
    if (books.differs > 0 || !books.isSpent(state)) return []
    for (const op of pending) {
      if (this.#at(op).type !== 'write') continue
      const readers = books.readersOf(op, deadline)
      if (readers !== null) return [op, ...readers]
    }
    return []
  }

  /** What nobody ever sees leaves no trace before a write. */
  hiddenBy(op: number, pending: readonly number[]): readonly number[] {
    if (this.#growth === 'none' || this.#books.differs > 0 || this.#at(op).type !== 'write')
      return []
    return pending.filter((other) => other !== op && this.#isUnseen(other))
  }

  describe(state: number): string {
    const text = this.#texts.text(state)
    if (text === NIL_TEXT) return 'nil'
    if (this.#growth === 'text' && text.startsWith('"')) return shorten(`${text}"`)
    if (this.#growth === 'list' && text.startsWith('[')) return shorten(text.replace(/,$/, ']'))
    return shorten(text)
  }

  why(state: number, op: number): string {
    const { type, need } = this.#at(op)
    const holds = `the value is ${this.describe(state)}`
    switch (type) {
      case 'read':
        return state === need ? holds : `it read ${this.describe(need)}, but ${holds}`
      case 'swap':
        if (state !== need) return `it found ${this.describe(need)}, but ${holds}`
        break
      case 'differs':
        return `it did not find ${this.describe(need)}, but ${holds}`
      case 'append':
        if (this.step(state, op) === IMPOSSIBLE) return `it appended, but ${holds}`
        break
    }
    return 'it would leave another without what it saw'
  }

  #code({ action, optional }: CellOperation, op: number, classes: Map<string, number>): Coded {
    const id = (value: Value) => this.#texts.idOf(textOf(value, this.#growth))
    let need = -1
    if (action.type === 'swap') need = id(action.expected)
    if (action.type === 'read' || action.type === 'differs') need = id(action.value)
    const brings = action.type === 'write' || action.type === 'swap' ? id(action.value) : -1
    const piece = action.type === 'append' ? pieceOf(action.value, this.#growth) : ''
    const name = `${action.type} ${need} ${brings} ${piece ?? `?${op}`}`
    const classId = classes.get(name) ?? classes.size
    classes.set(name, classId)
    const unseen = piece === null || (action.type === 'append' && !this.#texts.showsPiece(piece))
    return { type: action.type, need, brings, piece, unseen, classId, optional }
  }

  #findHomes() {
    const of = new Map<number, number>()
    if (this.#growth === 'none') return { of, impossible: false }
    const ops = [...this.#coded.keys()]
    const grows = (id: number) => id > DARK && this.#texts.isGrown(id)
    const needed = ops
      .filter(
        (op) => this.needOf(op) !== null && !this.#at(op).optional && grows(this.#at(op).need),
      )
      .map((op) => this.#texts.text(this.#at(op).need).slice(1))
      .sort()
    const longest = needed.filter((text, i) => needed[i + 1]?.startsWith(text) !== true)
    const appends = new Map<string, number[]>()
    for (const op of ops) {
      const { type, piece } = this.#at(op)
      if (type !== 'append' || piece === null) continue
      appends.set(piece, [...(appends.get(piece) ?? []), op])
    }
    const written = ops.flatMap((op) =>
      grows(this.#at(op).brings) ? [this.#texts.text(this.#at(op).brings).slice(1)] : [],
    )
    const { homes, impossible, torn } = findHomes(longest, { appends, written: new Set(written) })
    for (const [op, text] of homes) of.set(op, this.#texts.idOf(this.#texts.opening + text))
    return { of, impossible: impossible !== null || torn !== null }
  }

  /** Whether neither what is there can grow into what the reader saw nor anybody brings what can, in time. */
  #misses(reader: number, state: number): boolean {
    const need = this.#at(reader).need
    if (state === need) return false
    const end = this.#books.end(reader)
    if (!this.#books.canFinish(need, end)) return true
    const canBegin = this.#books.canBegin(need, end)
    const leads = (from: number) =>
      from === need || (this.#texts.canBecome(from, need) && (canBegin || from !== this.initial))
    return !leads(state) && !this.#books.anyChanger(end, leads)
  }

  #isUnseen(op: number): boolean {
    const { type, brings, unseen } = this.#at(op)
    return type === 'append' ? unseen : type === 'write' && brings === DARK
  }

  #append(state: number, op: number): number {
    const { piece, classId } = this.#at(op)
    const place = classId * 0x1_0000_0000 + state
    const known = this.#grownTo.get(place)
    if (known !== undefined) return known
    const to = piece === null ? IMPOSSIBLE : (this.#texts.grown(state, piece) ?? IMPOSSIBLE)
    this.#grownTo.set(place, to)
    return to
  }

  #at(op: number): Coded {
    return this.#coded[op] as Coded
  }
}
