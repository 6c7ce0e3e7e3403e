/**
 * The machine port of a real node: a state machine that lives in memory, its snapshots on disk. Everything runs
 * strictly in the order asked; only writing a snapshot's file goes on beside what follows.
 */
import type { Entry, SnapshotMeta } from '../consensus/contract.js'
import type { MachinePort } from '../driver/ports.js'
import type { SessionMachine } from '../machine/machine.js'

/** Snapshots on disk, as the host needs them. Errors are told to `onFailure` of whoever made it. */
export interface SnapshotFiles {
  /** Writes, syncs, renames; gives the description with digest and length, or null if that failed. */
  write(
    snapshot: SnapshotMeta,
    chunks: Iterable<Uint8Array>,
    done: (written: SnapshotMeta | null) => void,
  ): void
  /** All chunks, verified. */
  read(snapshot: SnapshotMeta, done: (chunks: readonly Uint8Array[]) => void): void
}

/** Hears of each entry right behind its apply, in the same order. */
export interface ApplyListener {
  applied(entry: Entry, answers: readonly Uint8Array[]): void
}

/** Hears how long each entry took (s). */
export interface ApplyTimes {
  applied(seconds: number): void
}

type Task =
  | { readonly type: 'now'; readonly run: () => void }
  /** Holds up what follows until it calls back. */
  | { readonly type: 'wait'; readonly run: (done: () => void) => void }

export class MachineHost implements MachinePort {
  readonly #machine: SessionMachine
  readonly #files: SnapshotFiles
  readonly #listener: ApplyListener | null
  readonly #times: ApplyTimes | null
  #tasks: Task[] = []
  #waiting = false
  #drainDue = false
  #stopped = false

  constructor(
    machine: SessionMachine,
    files: SnapshotFiles,
    listener: ApplyListener | null = null,
    times: ApplyTimes | null = null,
  ) {
    this.#machine = machine
    this.#files = files
    this.#listener = listener
    this.#times = times
  }

  apply(
    entries: readonly Entry[],
    done: (results: readonly (readonly Uint8Array[])[]) => void,
  ): void {
    this.inOrder(() => done(entries.map((entry) => this.#applyOne(entry))))
  }

  #applyOne(entry: Entry): readonly Uint8Array[] {
    const began = performance.now()
    const answers = this.#machine.applyEntry(entry)
    this.#times?.applied((performance.now() - began) / 1_000)
    this.#listener?.applied(entry, answers)
    return answers
  }

  takeSnapshot(snapshot: SnapshotMeta, done: (written: SnapshotMeta | null) => void): void {
    // Captured at its place in the order; pulled, written and synced while later entries are applied.
    this.inOrder(() => this.#files.write(snapshot, this.#machine.snapshot(), done))
  }

  restore(snapshot: SnapshotMeta, done: () => void): void {
    this.#push({
      type: 'wait',
      run: (ended) =>
        this.#files.read(snapshot, (chunks) => {
          if (this.#stopped) return
          this.#machine.restore(chunks)
          done()
          ended()
        }),
    })
  }

  takeCheckpoint(done: (digest: string) => void): void {
    this.inOrder(() => done(this.#machine.fullHash()))
  }

  inOrder(task: () => void): void {
    this.#push({ type: 'now', run: task })
  }

  storedAnswer(session: number, seq: number): Uint8Array | null {
    return this.#machine.storedAnswer(session, seq)
  }

  nextDeadline(): number | null {
    return this.#machine.nextDeadline()
  }

  /** Nothing runs any more. */
  stop(): void {
    this.#stopped = true
    this.#tasks = []
  }

  #push(task: Task): void {
    this.#tasks.push(task)
    if (this.#drainDue || this.#waiting) return
    this.#drainDue = true
    // After the driver's turn, before anything else: no callback runs inside the call that asked for it.
    queueMicrotask(() => this.#drain())
  }

  #drain(): void {
    this.#drainDue = false
    while (!this.#waiting && this.#tasks.length > 0) {
      const tasks = this.#tasks
      this.#tasks = []
      for (let i = 0; i < tasks.length; i++) {
        const task = tasks[i] as Task
        if (this.#stopped) return
        if (task.type === 'now') {
          task.run()
          continue
        }
        this.#waiting = true
        this.#tasks = [...tasks.slice(i + 1), ...this.#tasks]
        task.run(() => {
          this.#waiting = false
          this.#drain()
        })
        break
      }
    }
  }
}
