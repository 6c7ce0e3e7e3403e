/**
 * The machine port of a simulated node: the real session machine over the ledger, strictly in order, each task
 * taking some virtual time.
 */
import { present } from '../base/assert.js'
import type { Entry, SnapshotMeta } from '../consensus/contract.js'
import type { Index } from '../consensus/ids.js'
import type { MachinePort } from '../driver/ports.js'
import { SessionMachine } from '../machine/machine.js'
import type { StateMachine } from '../machine/state-machine.js'
import type { SnapshotFile } from '../wal/snapshot-store.js'
import { check } from './checkers/violation.js'

/** What the machine needs of its node. */
export interface MachineHost {
  /** What is replicated, new. */
  readonly machine: StateMachine
  readonly sessionIdleMs: number
  /** Runs the task after so many ms, if the node still lives then. */
  after(ms: number, task: () => void): void
  taskMs(): number
  /** It is about to apply the entry; then it is in that state. */
  applying(entry: Entry): void
  applied(entry: Entry, state: string, answers: readonly Uint8Array[]): void
  restored(index: Index, state: string): void
  writeSnapshot(
    index: Index,
    chunks: Iterable<Uint8Array>,
    done: (written: SnapshotFile | null) => void,
  ): void
  readSnapshot(meta: SnapshotMeta, done: (pieces: readonly Uint8Array[] | null) => void): void
}

export class SimMachine implements MachinePort {
  readonly ledger: StateMachine
  readonly sessions: SessionMachine
  readonly #host: MachineHost
  #queue: ((finished: () => void) => void)[] = []
  #busy = false

  constructor(host: MachineHost) {
    this.#host = host
    this.ledger = host.machine
    this.sessions = new SessionMachine(host.machine, host.sessionIdleMs)
  }

  apply(
    entries: readonly Entry[],
    done: (results: readonly (readonly Uint8Array[])[]) => void,
  ): void {
    this.inOrder(() => {
      const results = entries.map((entry) => {
        this.#host.applying(entry)
        const answers = this.sessions.applyEntry(entry)
        this.#host.applied(entry, this.sessions.fullHash(), answers)
        return answers
      })
      done(results)
    })
  }

  /** Captured at its place; written while the machine goes on. */
  takeSnapshot(snapshot: SnapshotMeta, done: (written: SnapshotMeta | null) => void): void {
    this.inOrder(() => {
      const chunks = this.sessions.snapshot()
      this.#host.writeSnapshot(snapshot.index, chunks, (file) => {
        done(file === null ? null : { ...snapshot, digest: file.digest, bytes: file.bytes })
      })
    })
  }

  restore(snapshot: SnapshotMeta, done: () => void): void {
    this.#enqueue((finished) => {
      this.#host.readSnapshot(snapshot, (pieces) => {
        check(pieces !== null, 'snapshot-file', () => `no file for snapshot ${snapshot.index}`)
        this.sessions.restore(present(pieces))
        this.#host.restored(snapshot.index, this.sessions.fullHash())
        done()
        finished()
      })
    })
  }

  takeCheckpoint(done: (digest: string) => void): void {
    this.inOrder(() => done(this.sessions.fullHash()))
  }

  inOrder(task: () => void): void {
    this.#enqueue((finished) => {
      task()
      finished()
    })
  }

  storedAnswer(session: number, seq: number): Uint8Array | null {
    return this.sessions.storedAnswer(session, seq)
  }

  nextDeadline(): number | null {
    return this.sessions.nextDeadline()
  }

  #enqueue(task: (finished: () => void) => void): void {
    this.#queue.push(task)
    if (!this.#busy) this.#next()
  }

  #next(): void {
    const task = this.#queue.shift()
    this.#busy = task !== undefined
    if (task === undefined) return
    this.#host.after(this.#host.taskMs(), () => task(() => this.#next()))
  }
}
