/** Gives each text a small number, the same whenever it comes again, and keeps what the text stands for. */
export class Interned<T> {
  readonly #numbers = new Map<string, number>()
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** From 1 on; 0 is left free to stand for none. */
  number(text: string, make: () => T): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    this.#items.push(make())
    this.#numbers.set(text, this.#items.length)
    return this.#items.length
  }

  at(number: number): T {
    const item = this.#items[number - 1]
    if (item === undefined) throw new RangeError(`no number ${number}`)
    return item
  }
}
