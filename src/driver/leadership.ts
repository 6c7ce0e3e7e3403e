/**
 * Whether we lead, and the leaderships that we lost: who waits for what was appended under one is told an election
 * timeout later (PROTOCOL 2), since a successor may well commit it until then.
 */
import type { CoreStatus } from '../consensus/contract.js'

export class Leadership {
  readonly #patienceMs: number
  readonly #over: (term: number) => void
  #term: number | null = null
  #ended: { readonly term: number; readonly at: number }[] = []

  /** `over`: so long (ms) after we stopped to lead in `term`. */
  constructor(patienceMs: number, over: (term: number) => void) {
    this.#patienceMs = patienceMs
    this.#over = over
  }

  /** The term or view in which we lead, else null; as last seen. */
  get term(): number | null {
    return this.#term
  }

  observe({ role, term }: Pick<CoreStatus, 'role' | 'term'>, now: number): void {
    const leading = role === 'leader' || role === 'primary' ? term : null
    if (leading !== this.#term) {
      if (this.#term !== null) this.#ended.push({ term: this.#term, at: now + this.#patienceMs })
      this.#term = leading
    }
    while (this.#ended[0] !== undefined && this.#ended[0].at <= now) {
      this.#over(this.#ended[0].term)
      this.#ended.shift()
    }
  }
}
