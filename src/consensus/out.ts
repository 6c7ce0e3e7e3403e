/**
 * Collects the effects of one step, in order. Records persisted within a step share one batch as far as
 * possible: a batch closes when a durable send must wait for it, and at the end of the step.
 */
import type { Effect, Entry, Gate, Note, Outcome, SnapshotMeta } from './contract.js'
import type { Index, NodeId, ReadId, RequestId } from './ids.js'

export class Out<M extends { readonly type: string }, R, N extends Note = Note> {
  readonly #gate: { readonly [type: string]: Gate }
  readonly #numbering: { batch: number }
  #effects: Effect<M, R>[] = []
  #records: R[] = []
  #lazy = true

  /** `numbering.batch` is the last batch number given out; it only grows. */
  constructor(gate: { readonly [type: string]: Gate }, numbering: { batch: number }) {
    this.#gate = gate
    this.#numbering = numbering
  }

  /** Queues a record and tells the number of the batch that will hold it. */
  persist(record: R): number {
    this.#lazy = false
    return this.persistLazily(record)
  }

  /** Likewise, of a record that nothing waits for: a batch of such alone is no reason for a sync. */
  persistLazily(record: R): number {
    if (this.#records.length === 0) this.#numbering.batch++
    this.#records.push(record)
    return this.#numbering.batch
  }

  send(to: NodeId, message: M): void {
    const gate = this.#gate[message.type] ?? 'durable'
    if (gate === 'durable') this.#closeBatch()
    this.#effects.push({ type: 'Send', to, message, gate })
  }

  apply(entries: readonly Entry[]): void {
    this.#effects.push({ type: 'Apply', entries })
  }

  answer(id: RequestId | ReadId, outcome: Outcome): void {
    this.#effects.push({ type: 'Answer', id, outcome })
  }

  takeSnapshot(snapshot: SnapshotMeta): void {
    this.#effects.push({ type: 'TakeSnapshot', snapshot })
  }

  takeCheckpoint(index: Index): void {
    this.#effects.push({ type: 'TakeCheckpoint', index })
  }

  fetchSnapshot(from: NodeId, target: SnapshotMeta): void {
    this.#effects.push({ type: 'FetchSnapshot', from, target })
  }

  restore(snapshot: SnapshotMeta): void {
    this.#closeBatch()
    this.#effects.push({ type: 'Restore', snapshot })
  }

  sendSnapshot(to: NodeId, snapshot: SnapshotMeta): void {
    this.#effects.push({ type: 'SendSnapshot', to, snapshot })
  }

  release(through: Index): void {
    this.#closeBatch()
    this.#effects.push({ type: 'Release', through })
  }

  note(note: N): void {
    this.#effects.push({ type: 'Note', note })
  }

  /** The effects of the step, whole. */
  finish(): Effect<M, R>[] {
    this.#closeBatch()
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #closeBatch(): void {
    if (this.#records.length === 0) return
    const { batch } = this.#numbering
    const records = this.#records
    if (this.#lazy) this.#effects.push({ type: 'Persist', batch, records, lazy: true })
    else this.#effects.push({ type: 'Persist', batch, records })
    this.#records = []
    this.#lazy = true
  }
}
