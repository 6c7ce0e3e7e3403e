/**
 * The machine port of a simulated node: the real session machine over the ledger, strictly in order, each task
 * taking some virtual time. Snapshots are files on the node's disk.
 */
import { assert, present } from '../base/assert.js'
import { crc32c } from '../base/crc32c.js'
import { Reader, Writer } from '../base/varint.js'
import type { Entry, SnapshotMeta } from '../consensus/contract.js'
import type { Index } from '../consensus/ids.js'
import type { MachinePort } from '../driver/ports.js'
import { SessionMachine } from '../machine/machine.js'
import { check } from './checkers/violation.js'
import { Ledger } from './ledger.js'

/** What the machine needs of its node. */
export interface MachineHost {
  /** Runs the task after so many ms, if the node still lives then. */
  after(ms: number, task: () => void): void
  taskMs(): number
  applied(entry: Entry, state: string): void
  restored(index: Index, state: string): void
  writeSnapshot(meta: SnapshotMeta, bytes: Uint8Array, done: (written: boolean) => void): void
  readSnapshot(meta: SnapshotMeta): Uint8Array | null
  now(): number
}

export class SimMachine implements MachinePort {
  readonly ledger = new Ledger()
  readonly sessions = new SessionMachine(this.ledger)
  readonly #host: MachineHost
  #readyAt = 0

  constructor(host: MachineHost) {
    this.#host = host
  }

  apply(
    entries: readonly Entry[],
    done: (results: readonly (readonly Uint8Array[])[]) => void,
  ): void {
    this.inOrder(() => {
      const results = entries.map((entry) => {
        const answers = this.sessions.applyEntry(entry)
        this.#host.applied(entry, this.sessions.fullHash())
        return answers
      })
      done(results)
    })
  }

  takeSnapshot(snapshot: SnapshotMeta, done: (written: SnapshotMeta | null) => void): void {
    this.inOrder(() => {
      const bytes = encodeChunks(this.sessions.snapshot())
      const digest = crc32c(bytes).toString(16)
      const meta: SnapshotMeta = { ...snapshot, digest, bytes: bytes.length }
      this.#host.writeSnapshot(meta, bytes, (written) => done(written ? meta : null))
    })
  }

  restore(snapshot: SnapshotMeta, done: () => void): void {
    this.inOrder(() => {
      const bytes = this.#host.readSnapshot(snapshot)
      check(bytes !== null, 'snapshot-file', () => `no file for snapshot ${snapshot.index}`)
      this.sessions.restore(decodeChunks(present(bytes)))
      this.#host.restored(snapshot.index, this.sessions.fullHash())
      done()
    })
  }

  inOrder(task: () => void): void {
    const now = this.#host.now()
    this.#readyAt = Math.max(now, this.#readyAt) + this.#host.taskMs()
    this.#host.after(this.#readyAt - now, task)
  }

  storedAnswer(session: number, seq: number): Uint8Array | null {
    return this.sessions.storedAnswer(session, seq)
  }

  nextDeadline(): number | null {
    return this.sessions.nextDeadline()
  }
}

function encodeChunks(chunks: Iterable<Uint8Array>): Uint8Array {
  const w = new Writer()
  for (const chunk of chunks) w.chunk(chunk)
  return w.finish().slice()
}

function decodeChunks(bytes: Uint8Array): Uint8Array[] {
  const r = new Reader(bytes)
  const chunks: Uint8Array[] = []
  while (r.left > 0) chunks.push(r.chunk())
  assert(r.ok, 'a snapshot file that we did not write')
  return chunks
}
