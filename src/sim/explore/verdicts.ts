/**
 * What was judged before. The promises are asked of a ghost and of the facts of each node, and worlds by the thousand have
 * the same ones: each such row of numbers is judged once.
 */
import { present } from '../../base/assert.js'
import { Visited } from './visited.js'

/** The ghost after it, by number; or which promise is broken, in words. */
export type Verdict = number | string

export class Verdicts {
  readonly #rows: Visited
  readonly #verdicts: Verdict[] = []

  constructor(width: number) {
    this.#rows = new Visited(width)
  }

  of(row: Int32Array, judge: () => Verdict): Verdict {
    const number = this.#rows.numberOf(row)
    if (number >= 0) return present(this.#verdicts[number])
    const verdict = judge()
    this.#rows.add(row, -1)
    this.#verdicts.push(verdict)
    return verdict
  }
}
