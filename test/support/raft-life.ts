/** A follower through a random life under a model leader, and what its WAL holds of it. */
import { expect } from 'vitest'
import { chance, nextInt, type RandomState, seededRandom } from '../../src/base/random.js'
import type { Configuration, Input, SnapshotMeta } from '../../src/consensus/contract.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type Raft,
  raft,
  type WalRecord,
} from '../../src/consensus/raft/index.js'
import { checkState } from '../../src/consensus/raft/invariants.js'
import { lastIndex, snapshotIndex } from '../../src/consensus/raft/log.js'
import type { LogEntry } from '../../src/consensus/raft/messages.js'
import { bootstrapEntry, lastIndexOf } from '../../src/consensus/raft/records.js'

export const MEMBERS = ['n1', 'n2', 'n3'].map((id) => ({ id, uid: `u-${id}` }))
export const BOOTSTRAP = raft.bootstrap(MEMBERS)
export const SELF = { id: 'n1', seed: 1, incarnation: 1 }
export const INITIAL = bootstrapEntry(MEMBERS).configuration as Configuration

export function entry(index: number, term: number, configured = false): LogEntry {
  const learners = configured ? [`learner${index}`] : []
  const changed = configured ? { ...INITIAL, learners } : null
  return { index, term, time: index, requests: [], configuration: changed, sizeBytes: 40 }
}

export function entries(from: number, through: number, term: number): LogEntry[] {
  return Array.from({ length: through - from + 1 }, (_, i) => entry(from + i, term))
}

export function append(from: number, through: number, term: number): WalRecord {
  return { type: 'Append', entries: entries(from, through, term) }
}

export function meta(index: number, term: number, configuration = INITIAL): SnapshotMeta {
  return { index, term, time: index, configuration, digest: 'd', bytes: 1 }
}

export function hard(term: number, votedFor: string | null = null): WalRecord {
  return { type: 'HardState', term, votedFor }
}

export function opened(term: number, snapshot: SnapshotMeta | null): WalRecord {
  return { type: 'State', term, votedFor: null, snapshot }
}

export function recovered(records: readonly WalRecord[], options: Options = DEFAULT_OPTIONS): Raft {
  return raft.recover(records, SELF, options).core
}

/** What a recovery must bring back. */
export function picture(core: Raft): string {
  const { term, votedFor, log, configurations } = core.state
  const from = Math.max(log.offset.index, snapshotIndex(log))
  const tail = log.entries.filter((e) => e.index > from).map((e) => `${e.index}@${e.term}`)
  const config = configurations.at(-1)?.configuration.learners
  const snapshot = log.snapshot === null ? '' : `${log.snapshot.index}@${log.snapshot.term}`
  return JSON.stringify({ term, votedFor, snapshot, tail, last: lastIndex(log), config })
}

export interface Segment {
  records: (readonly WalRecord[])[]
  lastIndex: number
}

/**
 * A follower through a random life under a model leader: appends, conflicts, new terms, votes, snapshots finished
 * late, snapshots installed. Its WAL is cut into segments that open with a State record, and leading ones go
 * when released, as the real one does.
 */
export class Life {
  readonly random: RandomState
  readonly options: Options
  readonly segments: Segment[] = []
  /** By batch: how the log looked behind it. A segment's State record has none. */
  readonly shapes: Map<readonly WalRecord[], Uint8Array> = new Map()
  core: Raft
  #leaderLog: LogEntry[] = [bootstrapEntry(MEMBERS)]
  #term = 1
  #committed = 1
  #taking: SnapshotMeta | null = null

  constructor(seed: number) {
    this.random = seededRandom(seed)
    const keepEntries = [0, 1, 3, 20][nextInt(this.random, 0, 3)] ?? 0
    this.options = { ...DEFAULT_OPTIONS, snapshotEntries: nextInt(this.random, 3, 15), keepEntries }
    this.core = recovered([BOOTSTRAP], this.options)
    const formed = [BOOTSTRAP]
    this.shapes.set(formed, this.core.shape())
    this.segments.push({ records: [[this.core.stateRecord()], formed], lastIndex: 1 })
  }

  records(): WalRecord[] {
    return this.segments.flatMap((segment) => segment.records.flat())
  }

  step(): void {
    const roll = nextInt(this.random, 0, 99)
    if (roll < 50) this.#replicate()
    else if (roll < 65) this.#newLeader()
    else if (roll < 85) this.#finishSnapshot()
    else if (roll < 93) this.#vote()
    else this.#install()
  }

  #run(input: Input<Message>): void {
    let release = 0
    for (const effect of this.core.step(input)) {
      if (effect.type === 'Persist') this.#write(effect.records)
      if (effect.type === 'TakeSnapshot') this.#taking = effect.snapshot
      if (effect.type === 'Release') release = Math.max(release, effect.through)
    }
    this.core.step({ type: 'Persisted', batch: this.core.state.batch })
    while (this.segments.length > 1 && (this.segments[0]?.lastIndex ?? 0) <= release)
      this.segments.shift()
    expect(checkState(this.core.state)).toBe(null)
  }

  #write(records: readonly WalRecord[]): void {
    // Its State record is asked for when the batch is appended, that is after the step.
    if (chance(this.random, 0.25))
      this.segments.push({ records: [[this.core.stateRecord()]], lastIndex: 0 })
    this.shapes.set(records, this.core.shape())
    const segment = this.segments.at(-1)
    if (segment === undefined) return
    segment.records.push(records)
    segment.lastIndex = Math.max(segment.lastIndex, lastIndexOf(records))
  }

  #replicate(): void {
    const { random } = this
    for (let i = nextInt(random, 0, 5); i > 0; i--)
      this.#leaderLog.push(entry(this.#leaderLog.length + 1, this.#term, chance(this.random, 0.1)))
    const through = nextInt(random, this.#committed, this.#leaderLog.length)
    const prev = this.#leaderLog[nextInt(random, 1, this.#committed) - 1]
    if (prev === undefined) return
    const counted = this.#leaderLog[through - 1]?.term === this.#term && chance(random, 0.7)
    if (counted) this.#committed = through
    const sent = this.#leaderLog.slice(prev.index, through)
    this.#run({
      type: 'Receive',
      from: 'n2',
      message: {
        type: 'AppendEntries',
        term: this.#term,
        prev: { index: prev.index, term: prev.term },
        entries: sent,
        leaderCommit: this.#committed,
        round: 0,
        agreedTime: this.#leaderLog.length,
      },
    })
  }

  /** Loses what is not committed, or some of it. */
  #newLeader(): void {
    this.#term += nextInt(this.random, 1, 2)
    const keep = nextInt(this.random, this.#committed, this.#leaderLog.length)
    this.#leaderLog = [...this.#leaderLog.slice(0, keep), entry(keep + 1, this.#term)]
    this.#replicate()
  }

  #finishSnapshot(): void {
    if (this.#taking === null) return
    const snapshot = { ...this.#taking, digest: 'd', bytes: 1 }
    this.#taking = null
    this.#run({ type: 'SnapshotTaken', snapshot })
  }

  #vote(): void {
    this.#term++
    this.#run({
      type: 'Receive',
      from: 'n3',
      message: {
        type: 'RequestVote',
        term: this.#term,
        lastLog: { index: 9999, term: this.#term - 1 },
        transfer: true,
      },
    })
  }

  #install(): void {
    for (let i = nextInt(this.random, 0, 5); i > 0; i--)
      this.#leaderLog.push(entry(this.#leaderLog.length + 1, this.#term, chance(this.random, 0.1)))
    const at = this.#leaderLog[nextInt(this.random, this.#committed, this.#leaderLog.length) - 1]
    if (at === undefined || at.term > this.core.state.term) return
    this.#committed = Math.max(this.#committed, at.index)
    const configured = this.#leaderLog.findLast((e) => e.index <= at.index && e.configuration)
    const snapshot = meta(at.index, at.term, configured?.configuration ?? INITIAL)
    this.#run({ type: 'SnapshotReceived', from: 'n2', snapshot })
  }
}
