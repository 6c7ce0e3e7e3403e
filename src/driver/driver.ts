/**
 * Runs one core: inputs in, effects out, completions back as inputs. Owns the turns and the order of the inputs; who
 * waits, what the disk has, and what becomes of an effect is told beside it. Whoever implements the ports owns every
 * interleaving. May assume of the ports that no callback runs inside the call that registered it.
 *
 * A turn
 * 1. The newest clock first, then what the disk and the machine completed, then at most so many peer messages or
 *    bytes, then at most so many proposals as one Propose, then all reads as one Read. What is left waits for
 *    the next turn: followers work on the first proposals while we take up the next.
 * 2. Then, if bytes are unsynced and no sync is in flight, one sync starts and covers all that was appended.
 *    (Waiting for an empty inbox would never sync under load.)
 */
import type {
  Core,
  CoreStatus,
  Effect,
  Input,
  Request,
  SnapshotMeta,
} from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { Effects } from './effects.js'
import { GroupCommit } from './group-commit.js'
import { Inbox } from './inbox.js'
import { Leadership } from './leadership.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import type { ReadDone, SubmitDone } from './outcomes.js'
import { Pending } from './pending.js'
import { Reads } from './reads.js'
import type { AskOptions, DriverSetup, DriverStatus, Ports } from './setup.js'
import { Ticks } from './ticks.js'

export class Driver<M extends { readonly type: string }, R> {
  readonly #setup: DriverSetup<M, R>
  readonly #core: Core<M, R>
  #coreStatus: CoreStatus | null = null
  readonly #ports: Ports
  readonly #limits: Limits
  readonly #ticks: Ticks
  readonly #inbox: Inbox
  readonly #pending: Pending
  readonly #reads: Reads
  /** As seen after the last Tick or Propose. */
  readonly #leadership: Leadership
  readonly #commit: GroupCommit<M, R>
  readonly #effects: Effects<M, R>
  /** Reports of snapshots and orders of the host, before peer messages; few by nature. */
  #completions: Input<M>[] = []
  #initial: readonly Effect<M, R>[]
  #turnDue = false
  #stopped = false

  constructor(setup: DriverSetup<M, R>) {
    this.#setup = setup
    this.#core = setup.core
    this.#ports = setup.ports
    this.#limits = { ...DEFAULT_LIMITS, ...setup.limits }
    const l = this.#limits
    this.#ticks = new Ticks(l)
    this.#inbox = new Inbox({ messages: l.inboxMessagesMax, bytes: l.inboxBytesMax })
    this.#pending = new Pending({
      queuedRequests: l.queuedRequestsMax,
      queuedBytes: l.queuedBytesMax,
      pendingRequests: l.pendingRequestsMax,
    })
    this.#reads = new Reads(l.readsMax)
    this.#leadership = new Leadership(l.electionTimeoutMs, (term) =>
      this.#pending.leadershipEnded(term),
    )
    this.#commit = new GroupCommit(setup, () => this.#schedule())
    this.#effects = new Effects({
      setup,
      commit: this.#commit,
      pending: this.#pending,
      reads: this.#reads,
      complete: (input) => this.#complete(input),
    })
    this.#initial = setup.effects
    if (setup.effects.length > 0) this.#schedule()
  }

  /** What an authenticated peer sent. Beyond the inbox's bounds it is dropped, as on any network. */
  receive(from: NodeId, bytes: Uint8Array): void {
    if (this.#stopped) return
    if (this.#inbox.push({ from, bytes })) this.#schedule()
    else this.#note('inbox-full', from)
  }

  /**
   * To be called every `tickMs`, with a monotonic clock in ms. `time`: the clock from which the protocol takes agreed
   * time (ms), where that is another: PBFT's is the wall's, which others can compare with their own.
   */
  tick(now: number, time: number = now): void {
    if (this.#stopped) return
    if (this.#ticks.advance(now, time)) this.#schedule()
  }

  /** `done` runs once; at once when a bound is reached. */
  submit(request: Request, options: AskOptions, done: SubmitDone): void {
    if (this.#stopped) {
      done({ type: 'Overloaded', reason: 'the node stops' })
      return
    }
    const { deadline, forward } = options
    this.#pending.submit(request, this.#leadership.term, { deadline, done }, forward)
    this.#schedule()
  }

  /** `done` runs in the machine's order: on Ready the caller may query the machine synchronously. */
  read(options: AskOptions, done: ReadDone): void {
    if (this.#stopped) {
      done({ type: 'Overloaded', reason: 'the node stops' })
      return
    }
    this.#reads.add(options.deadline, done, options.forward)
    this.#schedule()
  }

  transferLeadership(to: NodeId): void {
    this.#complete({ type: 'TransferLeadership', to })
  }

  /** A peer's snapshot: verified, and file and directory synced. */
  snapshotReceived(from: NodeId, snapshot: SnapshotMeta): void {
    this.#complete({ type: 'SnapshotReceived', from, snapshot })
  }

  /** Of the core alone: the same object until the core is told something more. */
  get coreStatus(): CoreStatus {
    this.#coreStatus ??= this.#core.status()
    return this.#coreStatus
  }

  status(): DriverStatus {
    return {
      ...this.coreStatus,
      inboxMessages: this.#inbox.length,
      pendingRequests: this.#pending.size,
      queuedRequests: this.#pending.queued + this.#pending.parked,
      pendingReads: this.#reads.size,
      unsyncedBatches: this.#commit.unsyncedBatches,
      heldSends: this.#commit.gate.held,
    }
  }

  /** Nothing leaves any more, and whoever waits is told; for the end of the process and after a failed disk. */
  stop(): void {
    if (this.#stopped) return
    this.#halt()
    this.#pending.endAll()
    this.#reads.endAll({ type: 'Indeterminate', reason: 'the node stops' })
  }

  #halt(): void {
    this.#stopped = true
    this.#commit.stop()
    this.#effects.stop()
  }

  #complete(input: Input<M>): void {
    if (this.#stopped) return
    this.#completions.push(input)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#turnDue) return
    this.#turnDue = true
    this.#ports.scheduler.soon(() => this.#turn())
  }

  #turn(): void {
    this.#turnDue = false
    if (this.#stopped) return
    try {
      this.#runInitial()
      const ticked = this.#runTicks()
      this.#runCompletions()
      this.#runPeerMessages()
      this.#runProposals()
      this.#runReads()
      this.#commit.startSync(ticked)
    } catch (error) {
      // An impossible state: whatever it is, it must not get out.
      this.#halt()
      throw error
    }
    if (this.#inbox.length > 0 || this.#pending.queued > 0) this.#schedule()
  }

  #runInitial(): void {
    const effects = this.#initial
    if (effects.length === 0) return
    this.#initial = []
    this.#effects.carryOut(effects)
  }

  /** True when there was one. */
  #runTicks(): boolean {
    const due = this.#ticks.take()
    if (due === 0) return false
    const { now, time } = this.#ticks
    const nextDeadline = this.#ports.machine.nextDeadline()
    for (let i = 0; i < due; i++) this.#step({ type: 'Tick', now: time, nextDeadline })
    this.#observeLeadership()
    this.#pending.expire(now)
    this.#reads.expire(now)
    this.#askLeaderAgain(now)
    return true
  }

  /** What nobody took while nobody led, and what was handed on and seems lost. */
  #askLeaderAgain(now: number): void {
    const { leader, term } = this.coreStatus
    if (leader === null) return
    // What we appended ourselves in this term cannot be lost but with the term.
    const patienceMs =
      this.#leadership.term === term ? Number.POSITIVE_INFINITY : this.#limits.electionTimeoutMs
    this.#pending.handOnAgain({ term, ms: now }, patienceMs)
    this.#reads.askAgain()
  }

  #runCompletions(): void {
    const batch = this.#commit.takePersisted()
    if (batch !== null) this.#step({ type: 'Persisted', batch })
    if (this.#completions.length === 0) return
    const completions = this.#completions
    this.#completions = []
    for (const input of completions) this.#step(input)
  }

  #runPeerMessages(): void {
    const { turnMessagesMax, turnBytesMax } = this.#limits
    let bytes = 0
    for (let taken = 0; taken < turnMessagesMax && bytes < turnBytesMax; taken++) {
      const next = this.#inbox.shift()
      if (next === undefined) return
      bytes += next.bytes.length
      const message = this.#setup.protocol.decodeMessage(next.bytes)
      if (message === null) this.#note('undecodable-message', next.from)
      else if (message !== 'unneeded') this.#step({ type: 'Receive', from: next.from, message })
    }
  }

  #runProposals(): void {
    if (this.#pending.queued === 0) return
    const { own, toHandOn } = this.#pending.take(this.#limits.turnProposalsMax)
    if (own.length > 0) this.#step({ type: 'Propose', requests: own })
    if (toHandOn.length > 0) this.#step({ type: 'Propose', requests: toHandOn, forward: true })
    if (own.length + toHandOn.length === 0) return
    this.#observeLeadership()
    // Where another node orders what we hand on, no step-down of ours ends it: only Apply, Restore and deadline.
    const now = { term: this.coreStatus.term, ms: this.#ticks.now }
    this.#pending.proposed(this.#leadership.term, now)
  }

  #runReads(): void {
    if (!this.#reads.hasQueued) return
    const { incarnation } = this.#setup
    this.#step({ type: 'Read', id: { incarnation, number: this.#reads.take() } })
  }

  #observeLeadership(): void {
    this.#leadership.observe(this.coreStatus, this.#ticks.now)
  }

  #step(input: Input<M>): void {
    this.#setup.trace?.input(input)
    const effects = this.#core.step(input)
    this.#coreStatus = null
    this.#effects.carryOut(effects)
  }

  #note(event: string, peer: NodeId): void {
    this.#ports.notes.note({ rule: 'driver', event, peer })
  }
}
