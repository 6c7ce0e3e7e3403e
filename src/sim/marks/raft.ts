/** Watches every step of every Raft node, and counts the situations of the table that it passes through. */
import type { Effect, Entry, Input } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import type { Raft } from '../../consensus/raft/index.js'
import { lastEntry, lastIndex, snapshotIndex, termAt } from '../../consensus/raft/log.js'
import type { Message } from '../../consensus/raft/messages.js'
import type { WalRecord } from '../../consensus/raft/records.js'
import type { Role, State } from '../../consensus/raft/state.js'
import { type Mark, NOTED } from './raft-table.js'

const MANY_TRUNCATED = 5
const MANY_COMMITTED = 10
const MANY_BATCHES = 3
const VERY_MANY_BATCHES = 8
const MANY_REQUESTS = 8
const FAR_AHEAD = 20
const OLD_TERMS = 3

/** What of a node the next step is held against. */
interface Before {
  role: Role['type']
  transfer: boolean
  term: number
  lastIndex: Index
  commitIndex: Index
  persistedBatch: number
  /** The batch that it had emitted when it last led. */
  ledThroughBatch: number
  reads: number
}

export class RaftMarks {
  readonly counts = new Map<Mark, number>()
  readonly #nodes = new Map<NodeId, Before>()
  /** By session and seq: the term of the entry that brought it first. */
  readonly #ordered = new Map<string, number>()
  #orderedThrough: Index = 0

  started(id: NodeId, core: Raft): void {
    const s = core.state
    this.#nodes.set(id, { ...remembered(s), ledThroughBatch: 0 })
    if (snapshotIndex(s.log) > 0) this.#hit('restarted-from-a-snapshot')
    if (s.votedFor !== null && s.votedFor !== id) this.#hit('restarted-with-a-vote')
    if (lastEntry(s.log).term - s.log.offset.term >= OLD_TERMS)
      this.#hit('restarted-with-old-terms')
  }

  stepped(
    id: NodeId,
    core: Raft,
    input: Input<Message>,
    effects: readonly Effect<Message, WalRecord>[],
  ): void {
    const before = this.#nodes.get(id)
    if (before === undefined) return
    const s = core.state
    if (before.role !== s.role.type || before.term !== s.term) this.#changed(before, s)
    if (input.type === 'Receive') this.#received(before, input.message, effects)
    else if (input.type === 'Persisted') this.#persisted(before, s, input.batch)
    else if (input.type === 'SnapshotFailed' && input.peer !== undefined)
      this.#hit('snapshot-undelivered')
    for (const effect of effects) this.#effect(before, s, effect)
    if (s.commitIndex > before.commitIndex) this.#committed(before, s)
    if (
      input.type === 'Read' &&
      s.role.type === 'leader' &&
      termAt(s.log, s.commitIndex) !== s.term
    )
      this.#hit('read-waits-for-own-term')
    update(before, s)
  }

  #changed(before: Before, s: State): void {
    const role = s.role.type
    if (role === 'leader' && before.role !== 'leader') this.#won(before, s)
    if (before.role === 'candidate') {
      if (role === 'follower')
        this.#hit(s.term > before.term ? 'candidate-overtaken' : 'election-lost')
      else if (role !== 'leader') this.#hit('election-without-winner')
    }
    if (before.role === 'pre-candidate' && role === 'follower') this.#hit('pre-candidate-gave-up')
    if (before.role !== 'leader' || role === 'leader') return
    if (s.term > before.term) this.#hit('leader-overtaken')
    if (before.reads > 0) this.#hit('reads-lost-with-leadership')
    if (before.lastIndex > before.commitIndex) this.#hit('requests-lost-with-leadership')
  }

  #won(before: Before, s: State): void {
    this.#hit('election-won')
    if (before.transfer) this.#hit('transfer-won')
    if (s.role.type === 'leader' && s.role.progress.size === 0) this.#hit('election-won-alone')
    if (before.lastIndex <= before.commitIndex) return
    this.#hit('leader-inherits-uncommitted')
    if (termAt(s.log, before.commitIndex + 1) !== termAt(s.log, before.lastIndex))
      this.#hit('leader-inherits-many-terms')
  }

  #received(before: Before, m: Message, effects: readonly Effect<Message, WalRecord>[]): void {
    if (m.type !== 'AppendEntries' || m.entries.length === 0) return
    if (m.prev.index > before.lastIndex) this.#hit('append-with-a-gap')
    const last = m.entries.at(-1)?.index ?? 0
    if (last <= before.lastIndex && !effects.some((effect) => effect.type === 'Persist'))
      this.#hit('append-repeated')
  }

  #persisted(before: Before, s: State, batch: number): void {
    const batches = batch - before.persistedBatch
    if (batches >= MANY_BATCHES) this.#hit('group-commit')
    if (batches >= VERY_MANY_BATCHES) this.#hit('group-commit-large')
    if (s.role.type !== 'leader' && before.persistedBatch < before.ledThroughBatch)
      this.#hit('synced-after-stepping-down')
  }

  #effect(before: Before, s: State, effect: Effect<Message, WalRecord>): void {
    switch (effect.type) {
      case 'Note': {
        const { event, index = 0 } = effect.note
        if (Object.hasOwn(NOTED, event)) this.#hit(event as Mark)
        if (event !== 'snapshot-installed') return
        if (before.lastIndex > before.commitIndex) this.#hit('snapshot-over-a-tail')
        if (index >= before.lastIndex + FAR_AHEAD) this.#hit('snapshot-far-ahead')
        return
      }
      case 'Persist':
        for (const record of effect.records) {
          const first = record.type === 'Append' ? record.entries[0] : undefined
          if (first !== undefined && before.lastIndex - first.index + 1 >= MANY_TRUNCATED)
            this.#hit('truncated-many')
        }
        return
      case 'Answer':
        if (!('session' in effect.id) && effect.outcome.type === 'NotLeader')
          this.#hit('read-refused')
        return
      case 'Apply':
        for (const entry of effect.entries) this.#ordering(s, entry)
        return
    }
  }

  /** Once for each index: by the node that applies it first. */
  #ordering(s: State, entry: Entry): void {
    if (entry.index <= this.#orderedThrough) return
    this.#orderedThrough = entry.index
    if (entry.requests.length === 0) this.#hit('time-only-entry')
    if (entry.requests.length >= MANY_REQUESTS) this.#hit('batch-of-many')
    const term = termAt(s.log, entry.index) ?? 0
    for (const { session, seq } of entry.requests) {
      if (session === 0) continue
      const key = `${session}:${seq}`
      const first = this.#ordered.get(key)
      if (first === undefined) this.#ordered.set(key, term)
      else this.#hit(first === term ? 'request-ordered-twice' : 'retry-across-leaders')
    }
  }

  #committed(before: Before, s: State): void {
    if (s.commitIndex - before.commitIndex >= MANY_COMMITTED) this.#hit('commit-of-many')
    const oldest = termAt(s.log, before.commitIndex + 1)
    if (s.role.type === 'leader' && oldest !== null && oldest < s.term)
      this.#hit('commit-with-own-term-only')
  }

  #hit(mark: Mark): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + 1)
  }
}

function remembered(s: State): Omit<Before, 'ledThroughBatch'> {
  return {
    role: s.role.type,
    transfer: false,
    term: s.term,
    lastIndex: lastIndex(s.log),
    commitIndex: s.commitIndex,
    persistedBatch: s.persistedBatch,
    reads: 0,
  }
}

/** In place: this runs after every step. */
function update(before: Before, s: State): void {
  const { role } = s
  before.role = role.type
  before.transfer = role.type === 'candidate' && role.transfer
  before.term = s.term
  before.lastIndex = lastIndex(s.log)
  before.commitIndex = s.commitIndex
  before.persistedBatch = s.persistedBatch
  before.reads =
    role.type === 'leader' ? role.queued.length + (role.confirming?.reads.length ?? 0) : 0
  if (role.type === 'leader') before.ledThroughBatch = s.batch
}
