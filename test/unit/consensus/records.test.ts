import { describe, expect, it } from 'vitest'
import { chance, nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import type { Configuration, Input, SnapshotMeta } from '../../../src/consensus/contract.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type Raft,
  raft,
  type WalRecord,
} from '../../../src/consensus/raft/index.js'
import { checkState } from '../../../src/consensus/raft/invariants.js'
import { lastIndex, snapshotIndex } from '../../../src/consensus/raft/log.js'
import type { LogEntry } from '../../../src/consensus/raft/messages.js'
import { bootstrapEntry, lastIndexOf } from '../../../src/consensus/raft/records.js'

const MEMBERS = ['n1', 'n2', 'n3'].map((id) => ({ id, uid: `u-${id}` }))
const BOOTSTRAP = raft.bootstrap(MEMBERS)
const SELF = { id: 'n1', seed: 1, incarnation: 1 }
const INITIAL = bootstrapEntry(MEMBERS).configuration as Configuration

function entry(index: number, term: number, configured = false): LogEntry {
  const learners = configured ? [`learner${index}`] : []
  const changed = configured ? { ...INITIAL, learners } : null
  return { index, term, time: index, requests: [], configuration: changed, sizeBytes: 40 }
}

function entries(from: number, through: number, term: number): LogEntry[] {
  return Array.from({ length: through - from + 1 }, (_, i) => entry(from + i, term))
}

function append(from: number, through: number, term: number): WalRecord {
  return { type: 'Append', entries: entries(from, through, term) }
}

function meta(index: number, term: number, configuration = INITIAL): SnapshotMeta {
  return { index, term, time: index, configuration, digest: 'd', bytes: 1 }
}

function hard(term: number, votedFor: string | null = null): WalRecord {
  return { type: 'HardState', term, votedFor }
}

function opened(term: number, snapshot: SnapshotMeta | null): WalRecord {
  return { type: 'State', term, votedFor: null, snapshot }
}

function recovered(records: readonly WalRecord[], options: Options = DEFAULT_OPTIONS): Raft {
  return raft.recover(records, SELF, options).core
}

/** What a recovery must bring back. */
function picture(core: Raft): string {
  const { term, votedFor, log, configurations } = core.state
  const from = Math.max(log.offset.index, snapshotIndex(log))
  const tail = log.entries.filter((e) => e.index > from).map((e) => `${e.index}@${e.term}`)
  const config = configurations.at(-1)?.configuration.learners
  const snapshot = log.snapshot === null ? '' : `${log.snapshot.index}@${log.snapshot.term}`
  return JSON.stringify({ term, votedFor, snapshot, tail, last: lastIndex(log), config })
}

describe('the fold of the WAL', () => {
  const KEEP_NONE = { ...DEFAULT_OPTIONS, keepEntries: 0 }

  it('keeps what follows a snapshot when the retained log begins right behind it', () => {
    // 1..10 went with their segment once the snapshot at 10 was durable; its record comes behind 11..14.
    const core = recovered(
      [
        opened(2, null),
        append(11, 12, 2),
        { type: 'SnapshotTaken', snapshot: meta(10, 2) },
        append(13, 14, 2),
      ],
      KEEP_NONE,
    )
    expect(lastIndex(core.state.log)).toBe(14)
    expect(core.state.log.entries.map((e) => e.index)).toEqual([11, 12, 13, 14])
    expect(core.state.log.offset).toEqual({ index: 10, term: 2 })
  })

  it('keeps what follows when an older snapshot was finished late', () => {
    // The snapshot at 10 took long: when its record was written the log had reached 40. The next one, at 30, let
    // the segments with 1..20 go. In the retained suffix the older record names an entry that is not there.
    const core = recovered([
      opened(2, null),
      append(21, 40, 2),
      { type: 'SnapshotTaken', snapshot: meta(10, 2) },
      append(41, 42, 2),
      { type: 'SnapshotTaken', snapshot: meta(30, 2) },
      append(43, 44, 2),
    ])
    expect(lastIndex(core.state.log)).toBe(44)
    expect(snapshotIndex(core.state.log)).toBe(30)
    expect(core.state.log.entries.filter((e) => e.index > 30)).toHaveLength(14)
  })

  it('refuses a log with a hole between snapshot and entries', () => {
    expect(() => recovered([opened(2, meta(5, 2)), append(10, 12, 2)])).toThrow(/missing/)
    expect(() => recovered([opened(2, null), append(10, 12, 2)])).toThrow(/missing/)
    expect(() =>
      recovered([
        opened(2, null),
        append(10, 12, 2),
        { type: 'SnapshotTaken', snapshot: meta(5, 2) },
      ]),
    ).toThrow(/missing/)
  })

  it('an installed snapshot replaces the whole log, also what lies behind it', () => {
    const core = recovered([
      BOOTSTRAP,
      hard(2),
      append(2, 9, 2),
      hard(3),
      { type: 'SnapshotInstalled', snapshot: meta(6, 3) },
    ])
    expect(lastIndex(core.state.log)).toBe(6)
    expect(core.state.log.entries).toEqual([])
  })

  it('refuses entries of a term that the node never entered', () => {
    expect(() => recovered([BOOTSTRAP, append(2, 3, 5)])).toThrow(/later term/)
  })

  it('refuses a term that goes back', () => {
    expect(() => recovered([BOOTSTRAP, hard(5), hard(4)])).toThrow(/backwards/)
  })

  it('the State record of a segment alone brings back term, vote and snapshot', () => {
    const core = recovered([{ type: 'State', term: 7, votedFor: 'n3', snapshot: meta(20, 6) }])
    expect(core.state).toMatchObject({ term: 7, votedFor: 'n3', commitIndex: 20, lastApplied: 20 })
    expect(core.status().configuration.voters).toEqual(['n1', 'n2', 'n3'])
  })

  it('a State record may be a step ahead of the batch behind it', () => {
    // The segment was opened for the batch with the installation, after the step that emitted it.
    const installed = meta(6, 3)
    const before = [BOOTSTRAP, hard(2), append(2, 9, 2), opened(3, installed)]
    const whole = recovered([
      ...before,
      hard(3),
      { type: 'SnapshotInstalled', snapshot: installed },
    ])
    const torn = recovered(before)
    expect(picture(torn)).toBe(picture(whole))
    expect(lastIndex(torn.state.log)).toBe(6)
  })

  it('the bootstrap entry is committed from the start, all initial members voters', () => {
    const { core, effects } = raft.recover([BOOTSTRAP], SELF, DEFAULT_OPTIONS)
    expect(core.status()).toMatchObject({ term: 1, commitIndex: 1, appliedIndex: 1, lastIndex: 1 })
    expect(effects.filter((effect) => effect.type === 'Apply')).toHaveLength(1)
  })

  it('agreed time goes on from the last entry or snapshot', () => {
    expect(recovered([BOOTSTRAP, hard(2), append(2, 9, 2)]).state.agreedTime).toBe(9)
    expect(recovered([opened(2, meta(20, 2))]).state.agreedTime).toBe(20)
  })
})

interface Segment {
  records: WalRecord[][]
  lastIndex: number
}

/**
 * A follower through a random life under a model leader: appends, conflicts, new terms, votes, snapshots finished
 * late, snapshots installed. Its WAL is cut into segments that open with a State record, and leading ones go
 * when released, as the real one does.
 */
class Life {
  readonly random: RandomState
  readonly options: Options
  readonly segments: Segment[] = []
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
    this.segments.push({ records: [[this.core.stateRecord()], [BOOTSTRAP]], lastIndex: 1 })
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
    const segment = this.segments.at(-1)
    if (segment === undefined) return
    segment.records.push([...records])
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

describe('the fold over random lives', () => {
  it('the retained suffix folds to the state of the running node', () => {
    let released = 0
    for (let seed = 1; seed <= 300; seed++) {
      const life = new Life(seed)
      for (let i = 0; i < 60; i++) {
        life.step()
        const again = recovered(life.records(), life.options)
        expect(picture(again), `seed ${seed}, step ${i}`).toBe(picture(life.core))
        expect(again.state.commitIndex).toBeLessThanOrEqual(life.core.state.commitIndex)
        expect(checkState(again.state)).toBe(null)
      }
      if (life.segments[0]?.records.flat().some((r) => r.type === 'Bootstrap') !== true) released++
    }
    // The test is about released segments: most lives must have some.
    expect(released).toBeGreaterThan(100)
  })

  it('every prefix of a life folds to a legal state', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const life = new Life(seed)
      // Nothing released: the whole life, one long WAL.
      const all: WalRecord[] = [BOOTSTRAP]
      const step = life.core.step.bind(life.core)
      life.core.step = (input) => {
        const effects = step(input)
        for (const effect of effects) if (effect.type === 'Persist') all.push(...effect.records)
        return effects
      }
      for (let i = 0; i < 60; i++) life.step()
      for (let n = 1; n <= all.length; n++) {
        const core = recovered(all.slice(0, n), life.options)
        expect(checkState(core.state), `seed ${seed}, ${n} records`).toBe(null)
      }
      expect(picture(recovered(all, life.options))).toBe(picture(life.core))
    }
  })
})
