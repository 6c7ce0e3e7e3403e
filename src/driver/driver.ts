/**
 * Runs one core: inputs in, effects out, completions back as inputs. Owns the turns, the gate, the requests and
 * reads that wait, and nothing else; whoever implements the ports owns every interleaving. May assume of the
 * ports that no callback runs inside the call that registered it.
 *
 * A turn
 * 1. The newest clock first, then what the disk and the machine completed, then at most so many peer messages or
 *    bytes, then at most so many proposals as one Propose, then all reads as one Read. What is left waits for
 *    the next turn: followers work on the first proposals while we take up the next.
 * 2. Then, if bytes are unsynced and no sync is in flight, one sync starts and covers all that was appended.
 *    (Waiting for an empty inbox would never sync under load.) Lazy batches alone wait for a tick, a send or the
 *    next batch: a sync for them would be in the way of one that somebody waits for.
 */
import { assert, unreachable } from '../base/assert.js'
import type {
  Core,
  Effect,
  Entry,
  Input,
  Outcome,
  Request,
  SnapshotMeta,
} from '../consensus/contract.js'
import type { Index, NodeId, ReadId, RequestId } from '../consensus/ids.js'
import { Gate } from './gate.js'
import { Inbox } from './inbox.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import type { ReadDone, SubmitDone } from './outcomes.js'
import { Pending } from './pending.js'
import { Reads } from './reads.js'
import type { AskOptions, DriverSetup, DriverStatus, Ports } from './setup.js'

type Held =
  | { readonly type: 'message'; readonly to: NodeId; readonly bytes: Uint8Array }
  | { readonly type: 'release'; readonly through: Index }

export class Driver<M extends { readonly type: string }, R> {
  readonly #setup: DriverSetup<M, R>
  readonly #core: Core<M, R>
  readonly #ports: Ports
  readonly #limits: Limits
  readonly #gate: Gate<Held>
  readonly #inbox: Inbox
  readonly #pending: Pending
  readonly #reads: Reads
  /** Reports of snapshots and orders of the host, before peer messages; few by nature. */
  #completions: Input<M>[] = []
  #initial: readonly Effect<M, R>[]

  #now = 0
  #time = 0
  #nextTickAt: number | null = null
  #ticksDue = 0
  /** The sync that ended last, and the last one the core was told of (the core's batch numbers). */
  #syncedBatch = 0
  #reportedBatch = 0
  #syncing = false
  /** The last batch that is not lazy (the core's number). */
  #urgentBatch = 0
  #ticked = false
  #turnDue = false
  #stopped = false
  /** The term or view in which we lead, else null; as seen after the last Tick or Propose. */
  #leadingTerm: number | null = null
  /** Leaderships that ended, and when those who wait for their requests are told. */
  #ended: { readonly term: number; readonly at: number }[] = []

  constructor(setup: DriverSetup<M, R>) {
    this.#setup = setup
    this.#core = setup.core
    this.#ports = setup.ports
    this.#limits = { ...DEFAULT_LIMITS, ...setup.limits }
    const l = this.#limits
    this.#gate = new Gate((held) => this.#leave(held))
    this.#inbox = new Inbox({ messages: l.inboxMessagesMax, bytes: l.inboxBytesMax })
    this.#pending = new Pending({
      queuedRequests: l.queuedRequestsMax,
      queuedBytes: l.queuedBytesMax,
      pendingRequests: l.pendingRequestsMax,
    })
    this.#reads = new Reads(l.readsMax)
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
    assert(now >= this.#now, 'the clock is monotonic')
    this.#now = now
    this.#time = time
    this.#nextTickAt ??= now
    const { tickMs, catchUpTicksMax } = this.#limits
    const due = Math.floor((now - this.#nextTickAt) / tickMs) + 1
    if (due <= 0) return
    this.#ticksDue = Math.min(this.#ticksDue + due, catchUpTicksMax)
    // The rest of a long pause is dropped: a node that slept must not campaign before it has listened.
    this.#nextTickAt = due > catchUpTicksMax ? now + tickMs : this.#nextTickAt + due * tickMs
    this.#schedule()
  }

  /** `done` runs once; at once when a bound is reached. */
  submit(request: Request, options: AskOptions, done: SubmitDone): void {
    if (this.#stopped) {
      done({ type: 'Overloaded', reason: 'the node stops' })
      return
    }
    const { deadline, forward } = options
    this.#pending.submit(request, this.#leadingTerm, { deadline, done }, forward)
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

  status(): DriverStatus {
    return {
      ...this.#core.status(),
      inboxMessages: this.#inbox.length,
      pendingRequests: this.#pending.size,
      queuedRequests: this.#pending.queued + this.#pending.parked,
      pendingReads: this.#reads.size,
      unsyncedBatches: this.#gate.emittedBatch - this.#gate.durableBatch,
      heldSends: this.#gate.held,
    }
  }

  /** Nothing leaves any more, and whoever waits is told; for the end of the process and after a failed disk. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#pending.endAll()
    this.#reads.endAll({ type: 'Indeterminate', reason: 'the node stops' })
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
      this.#runTicks()
      this.#runCompletions()
      this.#runPeerMessages()
      this.#runProposals()
      this.#runReads()
      this.#startSync()
    } catch (error) {
      // An impossible state: whatever it is, it must not get out.
      this.#stopped = true
      throw error
    }
    if (this.#inbox.length > 0 || this.#pending.queued > 0) this.#schedule()
  }

  #runInitial(): void {
    const effects = this.#initial
    if (effects.length === 0) return
    this.#initial = []
    this.#carryOut(effects)
  }

  #runTicks(): void {
    if (this.#ticksDue === 0) return
    this.#ticked = true
    const nextDeadline = this.#ports.machine.nextDeadline()
    for (; this.#ticksDue > 0; this.#ticksDue--)
      this.#step({ type: 'Tick', now: this.#time, nextDeadline })
    this.#watchLeadership()
    this.#pending.expire(this.#now)
    this.#reads.expire(this.#now)
    const { leader, term } = this.#core.status()
    if (leader === null) return
    // What we appended ourselves in this term cannot be lost but with the term.
    const patienceMs =
      this.#leadingTerm === term ? Number.POSITIVE_INFINITY : this.#limits.electionTimeoutMs
    this.#pending.handOnAgain({ term, ms: this.#now }, patienceMs)
    this.#reads.askAgain()
  }

  #runCompletions(): void {
    if (this.#syncedBatch > this.#reportedBatch) {
      this.#reportedBatch = this.#syncedBatch
      this.#step({ type: 'Persisted', batch: this.#syncedBatch })
    }
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
    this.#watchLeadership()
    // Where another node orders what we hand on, no step-down of ours ends it: only Apply, Restore and deadline.
    this.#pending.proposed(this.#leadingTerm, { term: this.#core.status().term, ms: this.#now })
  }

  #runReads(): void {
    if (!this.#reads.hasQueued) return
    const { incarnation } = this.#setup
    this.#step({ type: 'Read', id: { incarnation, number: this.#reads.take() } })
  }

  #watchLeadership(): void {
    const { role, term } = this.#core.status()
    const leading = role === 'leader' || role === 'primary' ? term : null
    if (leading !== this.#leadingTerm) {
      if (this.#leadingTerm !== null)
        this.#ended.push({
          term: this.#leadingTerm,
          at: this.#now + this.#limits.electionTimeoutMs,
        })
      this.#leadingTerm = leading
    }
    while (this.#ended[0] !== undefined && this.#ended[0].at <= this.#now) {
      this.#pending.leadershipEnded(this.#ended[0].term)
      this.#ended.shift()
    }
  }

  #startSync(): void {
    const { emittedBatch, durableBatch, held } = this.#gate
    const waitedFor = this.#urgentBatch > durableBatch || held > 0 || this.#ticked
    this.#ticked = false
    if (this.#syncing || emittedBatch <= durableBatch || !waitedFor) return
    this.#syncing = true
    this.#ports.wal.sync((walBatch) => this.#synced(walBatch - this.#setup.lastBatch))
  }

  #synced(batch: number): void {
    if (this.#stopped) return
    this.#syncing = false
    this.#syncedBatch = Math.max(this.#syncedBatch, batch)
    this.#gate.durable(batch)
    this.#schedule()
  }

  #step(input: Input<M>): void {
    this.#setup.trace?.input(input)
    this.#carryOut(this.#core.step(input))
  }

  #carryOut(effects: readonly Effect<M, R>[]): void {
    for (const effect of effects) {
      // A port may have found the disk broken and stopped us between two effects.
      if (this.#stopped) return
      this.#setup.trace?.effect(effect)
      this.#run(effect)
    }
  }

  #run(effect: Effect<M, R>): void {
    const { machine, communicator, notes } = this.#ports
    switch (effect.type) {
      case 'Persist':
        if (effect.lazy !== true) this.#urgentBatch = effect.batch
        this.#persist(effect.batch, effect.records)
        return
      case 'Send': {
        assert(effect.to !== this.#setup.id, 'a node sends nothing to itself')
        const bytes = this.#setup.protocol.encodeMessage(effect.message)
        if (effect.gate === 'none') communicator.send(effect.to, bytes)
        else this.#gate.pass({ type: 'message', to: effect.to, bytes })
        return
      }
      case 'Apply': {
        const { entries } = effect
        machine.apply(entries, (results) => this.#applied(entries, results))
        return
      }
      case 'TakeSnapshot': {
        const { snapshot } = effect
        machine.takeSnapshot(snapshot, (written) =>
          this.#complete(
            written === null
              ? { type: 'SnapshotFailed', snapshot }
              : { type: 'SnapshotTaken', snapshot: written },
          ),
        )
        return
      }
      case 'TakeCheckpoint': {
        const { index } = effect
        machine.takeCheckpoint((digest) =>
          this.#complete({ type: 'CheckpointTaken', index, digest }),
        )
        return
      }
      case 'Restore':
        machine.restore(effect.snapshot, () => {
          if (!this.#stopped) this.#pending.restored((s, q) => machine.storedAnswer(s, q))
        })
        return
      case 'SendSnapshot': {
        const { to, snapshot } = effect
        assert(to !== this.#setup.id, 'a node sends nothing to itself')
        communicator.sendSnapshot(to, snapshot, (end) => {
          if (end === 'delivered') return
          const unreadable = end === 'unreadable'
          this.#complete({ type: 'SnapshotFailed', snapshot, peer: to, unreadable })
        })
        return
      }
      case 'FetchSnapshot': {
        const { from, target } = effect
        const failed = () =>
          this.#complete({ type: 'SnapshotFailed', snapshot: target, peer: from })
        if (communicator.fetchSnapshot === undefined) failed()
        else communicator.fetchSnapshot(from, target, failed)
        return
      }
      case 'Release':
        this.#gate.pass({ type: 'release', through: effect.through })
        return
      case 'Answer':
        this.#answer(effect.id, effect.outcome)
        return
      case 'Note':
        notes.note(effect.note)
        return
      default:
        unreachable(effect)
    }
  }

  #persist(batch: number, records: readonly R[]): void {
    const { protocol, lastBatch } = this.#setup
    this.#gate.emitted(batch)
    this.#ports.wal.append(lastBatch + batch, protocol.encodeRecords(records), {
      lastIndex: protocol.lastIndexOf(records),
      shape: this.#core.shape(),
      stateRecord: () => protocol.encodeRecords([this.#core.stateRecord()]),
    })
  }

  #leave(held: Held): void {
    if (held.type === 'message') this.#ports.communicator.send(held.to, held.bytes)
    else this.#ports.wal.release(held.through)
  }

  #applied(entries: readonly Entry[], results: readonly (readonly Uint8Array[])[]): void {
    if (this.#stopped || this.#pending.size === 0) return
    for (let i = 0; i < entries.length; i++) {
      const requests = entries[i]?.requests ?? []
      const answers = results[i] ?? []
      assert(requests.length === answers.length, 'the machine answers every request')
      for (let j = 0; j < requests.length; j++) {
        const request = requests[j]
        const bytes = answers[j]
        if (request !== undefined && bytes !== undefined) this.#pending.answer(request, bytes)
      }
    }
  }

  #answer(id: RequestId | ReadId, outcome: Outcome): void {
    if ('session' in id) {
      switch (outcome.type) {
        case 'NotLeader':
        case 'Overloaded':
          return this.#pending.refuse(id, outcome)
        case 'Unsupported':
          return this.#pending.refuse(id, { type: 'Overloaded', reason: 'unsupported' })
        case 'ReadReady':
          assert(false, 'a request is not answered as a read')
      }
      return
    }
    assert(id.incarnation === this.#setup.incarnation, 'the core answers reads of its own start')
    if (outcome.type !== 'ReadReady') return this.#reads.end(id.number, outcome)
    // Behind every Apply emitted before it: only then does the machine hold what the read must see.
    this.#ports.machine.inOrder(() => {
      if (!this.#stopped) this.#reads.end(id.number, { type: 'Ready' })
    })
  }

  #note(event: string, peer: NodeId): void {
    this.#ports.notes.note({ rule: 'driver', event, peer })
  }
}
