/** Signs what a node asks in its own name as a client: one signature for the requests of one turn of the event loop. */
import type { Request } from '../consensus/contract.js'
import { signRequests, type Voice } from '../crypto/sealed.js'

interface Due {
  readonly request: Request
  readonly done: (signed: Request) => void
}

export class Sealer {
  readonly #voice: Voice
  #due: Due[] = []

  constructor(voice: Voice) {
    this.#voice = voice
  }

  /** `done` runs once this turn is over. As many wait as its callers have requests under way. */
  sign(request: Request, done: (signed: Request) => void): void {
    if (this.#due.push({ request, done }) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const due = this.#due
    this.#due = []
    const signed = signRequests(
      this.#voice,
      due.map(({ request }) => request),
    )
    due.forEach(({ done }, i) => {
      const request = signed[i]
      if (request !== undefined) done(request)
    })
  }
}
