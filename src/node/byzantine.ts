/**
 * What a node can be told to do against the rules (--enable-fault-injection): by kind, a switch, and how often it was
 * acted on since the start. In memory, but for what only a start can act on.
 */

export interface ByzantineKind {
  readonly kind: string
  /** Since before this start. */
  readonly isOn: boolean
  set(on: boolean): void
  /** Since the start of the node. */
  acted(): number
}

export class Byzantine {
  readonly #known: readonly string[]
  readonly #kinds = new Map<string, ByzantineKind>()
  #on: ReadonlySet<string> = new Set()

  /** `known`: all that there are, also before the part that acts on them exists. */
  constructor(known: readonly string[]) {
    this.#known = known
  }

  get kinds(): readonly string[] {
    return this.#known
  }

  add(kind: ByzantineKind): void {
    this.#kinds.set(kind.kind, kind)
    if (kind.isOn) this.#on = new Set([...this.#on, kind.kind])
    kind.set(this.#on.has(kind.kind))
  }

  /** Replaces them all; none: it is honest. */
  set(kinds: readonly string[]): void {
    this.#on = new Set(kinds)
    for (const [name, kind] of this.#kinds) kind.set(this.#on.has(name))
  }

  /** Those that are on, and how often each acted. */
  acts(): { readonly kind: string; readonly acted: number }[] {
    return [...this.#on].map((kind) => ({ kind, acted: this.#kinds.get(kind)?.acted() ?? 0 }))
  }
}
