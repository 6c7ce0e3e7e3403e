/** Tells each event once per change: what is tried again and again must not flood a log. */
import type { CommunicatorEvent } from './types.js'

/** Peers are few and names from outside are not kept, so this stays small. */
export class ChangeLog {
  readonly #sink: (event: CommunicatorEvent) => void
  readonly #last = new Map<string, string>()

  constructor(sink: (event: CommunicatorEvent) => void) {
    this.#sink = sink
  }

  tell(event: CommunicatorEvent): void {
    // What they refuse of us and what we refuse of them change independently.
    const topic = `${event.peer} ${event.type === 'peer-refused' ? 'in' : 'out'}`
    // Reasons of the network vary from try to try (ports, times): that is no change.
    const text = event.type === 'peer-unreachable' ? event.type : JSON.stringify(event)
    if (event.type !== 'snapshot-failed') {
      if (this.#last.get(topic) === text) return
      this.#last.set(topic, text)
    }
    this.#sink(event)
  }

  /** The peer was welcomed: its next refusal is news. */
  welcomed(peer: string): void {
    this.#last.delete(`${peer} in`)
  }
}
