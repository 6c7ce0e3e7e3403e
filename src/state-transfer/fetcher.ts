/**
 * Fetches a snapshot that W vouch for, part by part, from one source at a time. What was verified stays when a source
 * is given up, because it lied, fell silent or is slow: the next goes on where it ended. Parts that our own last
 * snapshot has are read from there. All that comes in is verified before it is written, and the whole once more when
 * it gets its name.
 */
import type { SnapshotMeta } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { Plan } from './plan.js'
import type { Hashing, PartName } from './tree.js'

/** The file that comes to be, beside its name. */
export interface TargetFile {
  write(content: Uint8Array, done: (ok: boolean) => void): void
  /** Verified as a whole, synced and named. */
  finish(done: (ok: boolean) => void): void
  abort(): void
}

export interface FetcherPorts {
  /** A part of our own last snapshot; null: it has no such part. */
  own(name: PartName, done: (part: Uint8Array | null) => void): void
  openTarget(target: SnapshotMeta, done: (file: TargetFile | null) => void): void
  /** Asks one peer for one part of one snapshot: lost or not, as the network likes. */
  ask(from: NodeId, snapshot: PartName, part: PartName): void
  /** This peer is asked nothing more for now. */
  leave(from: NodeId): void
  received(from: NodeId, target: SnapshotMeta): void
  /** Runs the task once, later. */
  after(ms: number, task: () => void): void
}

export interface FetcherLimits {
  /** Parts asked for and not yet written: with the largest chunk, the memory that a transfer takes. */
  readonly window: number
  /** A part that was asked for so long ago is asked for again. */
  readonly againMs: number
  /** In so long a source must have brought a window of parts, or all that was asked of it. */
  readonly patienceMs: number
  /** Then it is another's turn, so that one that is slow on purpose costs no more. */
  readonly turnMs: number
  /** What has come is kept so long for another attempt. */
  readonly keepMs: number
}

export const FETCHER_LIMITS: FetcherLimits = {
  window: 8,
  againMs: 500,
  patienceMs: 2_000,
  turnMs: 30_000,
  keepMs: 60_000,
}

/** How an attempt at one source ended, if not well. */
export type FetchProblem = 'lied' | 'silent' | 'slow' | 'has it not' | 'not written' | 'replaced'

interface Attempt {
  readonly from: NodeId
  readonly failed: (why: FetchProblem) => void
  readonly asked: Set<PartName>
  /** Parts that it brought since patience was looked at last. */
  brought: number
  lookedMs: number
  elapsedMs: number
}

interface Transfer {
  readonly target: SnapshotMeta
  readonly plan: Plan
  /** Asked last. */
  from: NodeId
  file: TargetFile | null
  /** Files are being opened, read or written: one thing at a time. */
  busy: boolean
}

/** Parts so far. */
export interface FetchCounts {
  fetched: number
  ours: number
  lies: number
}

export class Fetcher {
  readonly #ports: FetcherPorts
  readonly #hashing: Hashing
  readonly #limits: FetcherLimits
  readonly counts: FetchCounts = { fetched: 0, ours: 0, lies: 0 }
  #transfer: Transfer | null = null
  #attempt: Attempt | null = null
  #closed = false

  constructor(ports: FetcherPorts, hashing: Hashing, limits: FetcherLimits = FETCHER_LIMITS) {
    this.#ports = ports
    this.#hashing = hashing
    this.#limits = limits
  }

  /** `failed` runs once, later, unless the snapshot is received. */
  fetch(from: NodeId, target: SnapshotMeta, failed: (why: FetchProblem) => void): void {
    this.#giveUp('replaced')
    if (this.#transfer !== null && this.#transfer.target.digest !== target.digest) this.#drop()
    const asked = new Set<PartName>()
    const attempt = { from, failed, asked, brought: 0, lookedMs: 0, elapsedMs: 0 }
    this.#attempt = attempt
    if (this.#transfer === null) this.#begin(from, target)
    else {
      this.#transfer.from = from
      this.#goOn()
    }
    this.#watch(attempt)
  }

  /** A peer's answer; null: it has no such part. */
  answered(from: NodeId, name: PartName, part: Uint8Array | null): void {
    const { file, plan } = this.#transfer ?? {}
    const attempt = this.#attempt
    // Of an earlier attempt, or for the second time.
    if (attempt?.from !== from || !attempt.asked.has(name) || plan === undefined || file === null)
      return
    if (part === null) return this.#giveUp('has it not')
    if (!plan.take(name, part)) {
      this.counts.lies++
      return this.#giveUp('lied')
    }
    attempt.asked.delete(name)
    attempt.brought++
    this.counts.fetched++
    this.#goOn()
  }

  /** Nothing more is asked, written or told. */
  close(): void {
    this.#closed = true
    this.#attempt = null
    this.#drop()
  }

  #begin(from: NodeId, target: SnapshotMeta): void {
    const plan = new Plan(target, this.#hashing, this.#limits.window)
    const transfer: Transfer = { target, plan, from, file: null, busy: true }
    this.#transfer = transfer
    this.#ports.openTarget(target, (file) => {
      if (this.#transfer !== transfer) return file?.abort()
      if (file === null) return this.#unwritable()
      transfer.file = file
      transfer.busy = false
      this.#goOn()
    })
  }

  /** What can be done now: write what is next, look among our own, ask. */
  #goOn(): void {
    const transfer = this.#transfer
    if (transfer === null || transfer.busy || transfer.file === null) return
    const { plan, file } = transfer
    const content = plan.next()
    if (content !== null)
      return this.#busy(transfer, (then) =>
        file.write(content, (ok) => (ok ? then() : this.#unwritable())),
      )
    if (plan.isDone) return this.#finish(transfer, file)
    const missing = plan.missing()
    const attempt = this.#attempt
    const wanted = missing.find((name) => attempt?.asked.has(name) === false)
    if (wanted === undefined) return
    this.#busy(transfer, (then) =>
      this.#ports.own(wanted, (part) => {
        // Our own disk is believed as little as a peer.
        if (part !== null && plan.take(wanted, part)) this.counts.ours++
        else this.#ask(transfer, wanted)
        then()
      }),
    )
  }

  #busy(transfer: Transfer, act: (then: () => void) => void): void {
    transfer.busy = true
    act(() => {
      if (this.#transfer !== transfer) return
      transfer.busy = false
      this.#goOn()
    })
  }

  #ask({ target }: Transfer, name: PartName): void {
    const attempt = this.#attempt
    if (this.#closed || attempt === null || attempt.asked.has(name)) return
    attempt.asked.add(name)
    this.#ports.ask(attempt.from, target.digest, name)
  }

  /** Asks again for what is lost, and gives up a source that brings too little. */
  #watch(attempt: Attempt): void {
    const { window, againMs, patienceMs, turnMs } = this.#limits
    this.#ports.after(againMs, () => {
      if (this.#closed || this.#attempt !== attempt) return
      attempt.elapsedMs += againMs
      const waits = attempt.asked.size > 0
      if (waits && attempt.elapsedMs >= turnMs) return this.#giveUp('slow')
      if (attempt.elapsedMs - attempt.lookedMs >= patienceMs) {
        if (waits && attempt.brought < window) return this.#giveUp('silent')
        attempt.lookedMs = attempt.elapsedMs
        attempt.brought = 0
      }
      const target = this.#transfer?.target
      if (target !== undefined)
        for (const name of attempt.asked) this.#ports.ask(attempt.from, target.digest, name)
      this.#watch(attempt)
    })
  }

  #finish(transfer: Transfer, file: TargetFile): void {
    transfer.busy = true
    transfer.file = null
    file.finish((ok) => {
      if (this.#transfer !== transfer) return
      if (!ok) return this.#unwritable()
      this.#attempt = null
      this.#drop()
      this.#ports.leave(transfer.from)
      this.#ports.received(transfer.from, transfer.target)
    })
  }

  /** Our disk, not a peer: all begins anew with the next attempt. */
  #unwritable(): void {
    this.#drop()
    this.#giveUp('not written')
  }

  #giveUp(why: FetchProblem): void {
    const attempt = this.#attempt
    if (attempt === null) return
    this.#attempt = null
    this.#ports.leave(attempt.from)
    this.#ports.after(0, () => {
      if (!this.#closed) attempt.failed(why)
    })
    const transfer = this.#transfer
    this.#ports.after(this.#limits.keepMs, () => {
      if (this.#attempt === null && this.#transfer === transfer && !transfer?.busy) this.#drop()
    })
  }

  #drop(): void {
    this.#transfer?.file?.abort()
    this.#transfer = null
  }
}
