/**
 * Carries out what the core wants, in the order of emission: each effect goes to its port, what completes comes back as
 * an input, and what ends is told to whoever waits for it.
 */
import { assert, unreachable } from '../base/assert.js'
import type { Effect, Entry, Input, Outcome, SnapshotMeta } from '../consensus/contract.js'
import type { NodeId, ReadId, RequestId } from '../consensus/ids.js'
import type { GroupCommit } from './group-commit.js'
import type { Pending } from './pending.js'
import type { Reads } from './reads.js'
import type { DriverSetup, Ports } from './setup.js'

interface EffectsSetup<M extends { readonly type: string }, R> {
  readonly setup: DriverSetup<M, R>
  readonly commit: GroupCommit<M, R>
  readonly pending: Pending
  readonly reads: Reads
  /** For the core, in the next turn. */
  readonly complete: (input: Input<M>) => void
}

export class Effects<M extends { readonly type: string }, R> {
  readonly #setup: DriverSetup<M, R>
  readonly #ports: Ports
  readonly #commit: GroupCommit<M, R>
  readonly #pending: Pending
  readonly #reads: Reads
  readonly #complete: (input: Input<M>) => void
  #stopped = false

  constructor({ setup, commit, pending, reads, complete }: EffectsSetup<M, R>) {
    this.#setup = setup
    this.#ports = setup.ports
    this.#commit = commit
    this.#pending = pending
    this.#reads = reads
    this.#complete = complete
  }

  carryOut(effects: readonly Effect<M, R>[]): void {
    for (const effect of effects) {
      // A port may have found the disk broken and stopped us between two effects.
      if (this.#stopped) return
      this.#setup.trace?.effect(effect)
      this.#run(effect)
    }
  }

  /** No effect is carried out any more, and what completes is told to nobody. */
  stop(): void {
    this.#stopped = true
  }

  #run(effect: Effect<M, R>): void {
    const { machine, communicator, notes } = this.#ports
    switch (effect.type) {
      case 'Persist':
        this.#commit.append(effect)
        return
      case 'Send': {
        assert(effect.to !== this.#setup.id, 'a node sends nothing to itself')
        const bytes = this.#setup.protocol.encodeMessage(effect.message)
        if (effect.gate === 'none') communicator.send(effect.to, bytes)
        else this.#commit.gate.pass({ type: 'message', to: effect.to, bytes })
        return
      }
      case 'Apply': {
        const { entries } = effect
        machine.apply(entries, (results) => this.#applied(entries, results))
        return
      }
      case 'TakeSnapshot':
        this.#takeSnapshot(effect.snapshot)
        return
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
      case 'SendSnapshot':
        this.#sendSnapshot(effect.to, effect.snapshot)
        return
      case 'FetchSnapshot':
        this.#fetchSnapshot(effect.from, effect.target)
        return
      case 'Release':
        this.#commit.gate.pass({ type: 'release', through: effect.through })
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

  #takeSnapshot(snapshot: SnapshotMeta): void {
    this.#ports.machine.takeSnapshot(snapshot, (written) =>
      this.#complete(
        written === null
          ? { type: 'SnapshotFailed', snapshot }
          : { type: 'SnapshotTaken', snapshot: written },
      ),
    )
  }

  #sendSnapshot(to: NodeId, snapshot: SnapshotMeta): void {
    assert(to !== this.#setup.id, 'a node sends nothing to itself')
    this.#ports.communicator.sendSnapshot(to, snapshot, (end) => {
      if (end === 'delivered') return
      const unreadable = end === 'unreadable'
      this.#complete({ type: 'SnapshotFailed', snapshot, peer: to, unreadable })
    })
  }

  #fetchSnapshot(from: NodeId, target: SnapshotMeta): void {
    const { communicator } = this.#ports
    const failed = () => this.#complete({ type: 'SnapshotFailed', snapshot: target, peer: from })
    if (communicator.fetchSnapshot === undefined) failed()
    else communicator.fetchSnapshot(from, target, failed)
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
}
