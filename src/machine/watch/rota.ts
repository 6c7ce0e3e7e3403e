/**
 * Members that have their turns, one after the other, round and round. One iterator goes on all the time: whoever looks
 * for the first of a set again and again steps over the gaps of all that were taken out before it.
 */
export class Rota<T> {
  readonly #members = new Set<T>()
  #turns: Iterator<T>

  constructor() {
    this.#turns = this.#members.values()
  }

  get size(): number {
    return this.#members.size
  }

  add(member: T): void {
    this.#members.add(member)
  }

  delete(member: T): boolean {
    return this.#members.delete(member)
  }

  /** Whose turn it is; he stays. Undefined: there is nobody. */
  next(): T | undefined {
    const turn = this.#turns.next()
    if (turn.done !== true) return turn.value
    this.#turns = this.#members.values()
    const first = this.#turns.next()
    return first.done === true ? undefined : first.value
  }
}
