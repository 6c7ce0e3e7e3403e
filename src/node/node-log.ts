/**
 * The log as a node's driver writes it, and what goes with it: snapshot files that no record names any more, a mark
 * where the log was quiet, its first record and its end.
 */
import type { Member, Self } from '../consensus/contract.js'
import type { WalPort } from '../driver/ports.js'
import type { Wal } from '../wal/wal.js'
import type { NodeProtocol } from './protocol.js'

/** A log that was quiet for so long is closed by a marker. */
const QUIET_MS = 200

export interface LogEvents {
  /** Index of the newest snapshot that the core knows. */
  snapshotIndex(): number
  /** Snapshots before this index may go. */
  keepFrom(index: number): void
}

export class NodeLog implements WalPort {
  readonly #wal: Wal
  readonly #events: LogEvents
  #previousSnapshot = 0
  #lastAppendAt = 0

  constructor(wal: Wal, events: LogEvents) {
    this.#wal = wal
    this.#events = events
  }

  append(...args: Parameters<WalPort['append']>): void {
    this.#lastAppendAt = performance.now()
    this.#wal.append(...args)
  }

  sync(done: (batch: number) => void): void {
    this.#wal.sync(done)
  }

  release(through: number): void {
    this.#wal.release(through)
    // One snapshot behind, since the newest one's record may not be on disk yet.
    this.#events.keepFrom(this.#previousSnapshot)
    this.#previousSnapshot = this.#events.snapshotIndex()
  }

  tick(now: number): void {
    if (now - this.#lastAppendAt > QUIET_MS) this.#wal.mark()
  }
}

/** Appends the record with which every log of the cluster begins; `done` with it once it is on disk. */
export function formLog<M extends { readonly type: string }, R extends { readonly type: string }>(
  wal: Wal,
  of: {
    readonly consensus: NodeProtocol<M, R>
    readonly self: Self
    readonly members: readonly Member[]
  },
  done: (record: R) => void,
): void {
  const { protocol, recover } = of.consensus
  const record = protocol.bootstrap(of.members)
  const empty = recover([], of.self).core.stateRecord()
  const { core } = recover([record], of.self)
  wal.append(wal.lastBatch + 1, protocol.encodeRecords([record]), {
    lastIndex: protocol.lastIndexOf([record]),
    shape: core.shape(),
    stateRecord: () => protocol.encodeRecords([empty]),
  })
  wal.sync(() => done(record))
}

/** Ends within `graceMs`, whatever the disk does. One that was `refused` stays as it is. */
export function closeLog(
  wal: Wal,
  { refused, graceMs }: { readonly refused: boolean; readonly graceMs: number },
): Promise<void> {
  return new Promise((done) => {
    const limit = setTimeout(done, graceMs)
    const close = (): void =>
      wal.close(() => {
        clearTimeout(limit)
        done()
      })
    if (refused) close()
    else wal.sync(() => wal.mark(close))
  })
}
