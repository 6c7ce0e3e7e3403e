/** Random lives whose WAL is damaged: what the fold makes of it, and that what comes back is what was there. */
import { describe, expect, it } from 'vitest'
import { chance, nextInt, type RandomState, seededRandom } from '../../../src/base/random.js'
import {
  DEFAULT_OPTIONS,
  type Raft,
  raft,
  type WalRecord,
} from '../../../src/consensus/raft/index.js'
import { checkState } from '../../../src/consensus/raft/invariants.js'
import {
  baseOf,
  isHole,
  isWhole,
  lastIndex,
  missingCount,
  snapshotIndex,
} from '../../../src/consensus/raft/log.js'
import type { LogEntry } from '../../../src/consensus/raft/messages.js'
import type { Shape } from '../../../src/consensus/raft/shape.js'
import { DurableLog } from '../../../src/sim/checkers/durable-log.js'
import {
  append,
  BOOTSTRAP,
  entry,
  hard,
  Life,
  meta,
  opened,
  picture,
  recovered,
} from '../../support/raft-life.js'

type Batch = readonly WalRecord[]

function lost(shape: Uint8Array): WalRecord {
  const record = raft.lost(shape)
  if (record === null) throw new Error('the shape of a core does not decode')
  return record
}

/**
 * Stretches of batches are gone with their shapes, and some shapes alone. Each stretch gives way to the first shape
 * behind it that can be read; what stands in between is read as well. Null: there is a stretch without one.
 */
function damaged(life: Life, batches: readonly Batch[], random: RandomState): WalRecord[] | null {
  const gone = new Set<number>()
  for (let stretch = nextInt(random, 1, 3); stretch > 0; stretch--) {
    const from = nextInt(random, 0, batches.length - 1)
    const to = nextInt(random, from, Math.min(batches.length - 1, from + 5))
    for (let i = from; i <= to; i++) gone.add(i)
  }
  const shapes = batches.map((batch, i) => {
    const kept = !gone.has(i) || (!gone.has(i + 1) && chance(random, 0.5))
    return kept && chance(random, 0.8) ? life.shapes.get(batch) : undefined
  })
  const records: WalRecord[] = []
  const first = shapes.find((one) => one !== undefined)
  // The State record that opens the oldest segment is gone, and what follows is whole.
  if (!gone.has(0) && first !== undefined && chance(random, 0.25)) records.push(lost(first))
  for (const [i, batch] of batches.entries()) {
    if (!gone.has(i)) records.push(...batch)
    else if (!gone.has(i + 1)) {
      const shape = shapes.slice(i).find((one) => one !== undefined)
      if (shape === undefined) return null
      records.push(lost(shape))
    }
  }
  return records
}

/** All that a vote depends on, and where what entry stands, from a common index on. */
function outline(core: Raft, from: number): string {
  const { term, votedFor, log } = core.state
  const tail = log.entries.filter((e) => e.index > from).map((e) => `${e.index}@${e.term}`)
  // Whom to ask is known, though a hole may hide a later configuration until it is filled.
  const { voters } = core.status().configuration
  return JSON.stringify({ term, votedFor, tail, last: lastIndex(log), voters })
}

/** The peer that has everything answers until nothing is missing. What it writes goes to `wal`. */
function heal(core: Raft, whole: Raft, wal: WalRecord[]): void {
  for (let i = 0; i < 50 && core.state.repair !== null; i++) {
    const { holes, lostBase } = core.state.log
    const entries = whole.state.log.entries.filter((e) => holes.includes(e.index))
    const { snapshot } = whole.state.log
    const needs = lostBase !== null || holes.some((hole) => hole <= whole.state.log.offset.index)
    const effects =
      needs && snapshot !== null
        ? core.step({ type: 'SnapshotReceived', from: 'n2', snapshot })
        : core.step({
            type: 'Receive',
            from: 'n2',
            message: {
              type: 'FetchEntriesReply',
              term: 1,
              incarnation: 1,
              entries: entries.slice(0, 2),
              absent: [],
              snapshotAbsent: false,
            },
          })
    for (const effect of effects) if (effect.type === 'Persist') wal.push(...effect.records)
    expect(checkState(core.state)).toBe(null)
  }
}

/** The shape of a node that has these records. */
function shapeOf(...records: WalRecord[]): WalRecord {
  return lost(recovered([BOOTSTRAP, ...records]).shape())
}

function told(...records: WalRecord[]): Shape {
  const record = shapeOf(...records)
  if (record.type !== 'Lost') throw new Error('no shape')
  return record.shape
}

function holesOf(core: Raft): string[] {
  const { log } = core.state
  return log.holes.map((index) => `${index}@${log.entries[index - log.offset.index - 1]?.term}`)
}

describe('a shape in the place of damage', () => {
  const before = [hard(2), append(2, 5, 2)]
  const gone = [append(6, 8, 2), hard(3, 'n2'), append(9, 9, 3)]

  it('tells which entries are lost, and what the node had voted', () => {
    const core = recovered([BOOTSTRAP, ...before, shapeOf(...before, ...gone)])
    expect(holesOf(core)).toEqual(['6@2', '7@2', '8@2', '9@3'])
    expect(core.state).toMatchObject({ term: 3, votedFor: 'n2', commitIndex: 1, durableIndex: 5 })
    expect(core.status()).toMatchObject({ missing: 4, lastIndex: 9, role: 'follower' })
  })

  it('what was overwritten in the damaged stretch is a hole, not what stood there before', () => {
    const replaced = [hard(4), append(4, 6, 4)]
    const core = recovered([BOOTSTRAP, ...before, shapeOf(...before, ...replaced)])
    expect(holesOf(core)).toEqual(['4@4', '5@4', '6@4'])
  })

  it('what was truncated in the damaged stretch does not come back', () => {
    const cut = [hard(4), append(3, 3, 4)]
    const core = recovered([BOOTSTRAP, ...before, shapeOf(...before, ...cut)])
    expect(lastIndex(core.state.log)).toBe(3)
    expect(holesOf(core)).toEqual(['3@4'])
  })

  it('an entry that is written again behind it is no hole', () => {
    const again: WalRecord = append(7, 9, 3)
    const core = recovered([BOOTSTRAP, ...before, shapeOf(...before, ...gone), again])
    expect(holesOf(core)).toEqual(['6@2'])
  })

  it('the batch before the shape says nothing new', () => {
    // The batch with the vote is intact, the one before it is not: the shape is of behind both.
    const vote = [hard(3, null), hard(3, 'n2')]
    const shape = shapeOf(...before, append(6, 6, 2), ...vote)
    const core = recovered([BOOTSTRAP, ...before, shape, hard(2), ...vote])
    expect(core.state).toMatchObject({ term: 3, votedFor: 'n2' })
  })

  it('a batch before the shape whose entries were overwritten since does not come back', () => {
    const later = [append(10, 12, 3), hard(4), append(6, 9, 4)]
    const shape = shapeOf(...before, hard(3), append(6, 9, 3), ...later)
    for (const found of [later, later.slice(1), [append(7, 9, 3), ...later]]) {
      const core = recovered([BOOTSTRAP, ...before, shape, ...found])
      expect(core.state.log.entries.map((e) => e.term)).toEqual([1, 2, 2, 2, 2, 4, 4, 4, 4])
      expect(holesOf(core)).toEqual([])
    }
  })

  it('the record that formed the cluster says nothing new behind a shape that has seen it', () => {
    // The State record that opens the first segment is damaged, and so is every shape before one that has a snapshot.
    const taken: WalRecord = { type: 'SnapshotTaken', snapshot: meta(5, 2) }
    for (const seen of [[...before], [...before, taken], [...before, taken, append(6, 8, 2)]]) {
      const shape = shapeOf(...seen)
      const core = recovered([shape, BOOTSTRAP, ...seen])
      const whole = recovered([BOOTSTRAP, ...seen])
      expect(outline(core, baseOf(core.state.log).index)).toBe(
        outline(whole, baseOf(core.state.log).index),
      )
      expect(snapshotIndex(core.state.log)).toBe(snapshotIndex(whole.state.log))
    }
  })

  it('a filled entry fills only the hole of its term, and never truncates', () => {
    const shape = shapeOf(...before, ...gone)
    const fill = (from: number, through: number, term: number): WalRecord =>
      ({
        ...append(from, through, term),
        type: 'Filled',
      }) as WalRecord
    const records = [BOOTSTRAP, ...before, shape]
    expect(holesOf(recovered([...records, fill(6, 7, 2)]))).toEqual(['8@2', '9@3'])
    expect(holesOf(recovered([...records, fill(9, 9, 2)]))).toHaveLength(4)
    expect(holesOf(recovered([...records, fill(5, 5, 1)]))).toHaveLength(4)
    expect(lastIndex(recovered([...records, fill(6, 6, 2)]).state.log)).toBe(9)
  })

  it('a snapshot over the holes ends them', () => {
    const taken: WalRecord = { type: 'SnapshotTaken', snapshot: meta(8, 2) }
    const core = recovered([BOOTSTRAP, ...before, shapeOf(...before, ...gone), taken])
    expect(holesOf(core)).toEqual(['9@3'])
    expect(core.state).toMatchObject({ commitIndex: 8, lastApplied: 8 })
  })

  it('a snapshot whose record is lost is known by the shape: its file counts, or is lost itself', () => {
    const taken: WalRecord = { type: 'SnapshotTaken', snapshot: meta(5, 2) }
    const shape = shapeOf(...before, taken, append(6, 8, 2))
    const records = [BOOTSTRAP, ...before, shape, append(8, 9, 2)]
    const core = recovered(records)
    expect(core.state.log).toMatchObject({ snapshot: meta(5, 2), lostBase: null, holes: [6, 7] })
    expect(core.state).toMatchObject({ commitIndex: 5, lastApplied: 5, durableIndex: 5 })
    expect(core.status().missing).toBe(2)
    // Nothing of what stood before it is needed.
    expect(recovered([shape]).state.log).toMatchObject({ snapshot: meta(5, 2), holes: [6, 7, 8] })
    const without = recovered([...records, raft.snapshotLost()])
    expect(without.state.log).toMatchObject({ offset: { index: 5, term: 2 }, snapshot: null })
    expect(without.state).toMatchObject({ commitIndex: 0, lastApplied: 0, durableIndex: 0 })
  })

  it('a shape with a later configuration than its base does not tell who was a member at the base', () => {
    const taken: WalRecord = { type: 'SnapshotTaken', snapshot: meta(5, 2) }
    const shape = told(...before, taken, append(6, 8, 2))
    const configuration = { index: 7, configuration: meta(5, 2).configuration }
    const core = recovered([{ type: 'Lost', shape: { ...shape, configuration } }])
    expect(core.state.log).toMatchObject({ snapshot: null, offset: { index: 5, term: 2 } })
    expect(core.state.commitIndex).toBe(0)
  })

  it('a snapshot of which the shape tells only the end is a lost base', () => {
    const taken: WalRecord = { type: 'SnapshotTaken', snapshot: meta(5, 2) }
    const shape: WalRecord = {
      type: 'Lost',
      shape: { ...told(...before, taken, append(6, 8, 2)), snapshot: null },
    }
    const core = recovered([BOOTSTRAP, ...before, shape, append(8, 9, 2)])
    expect(core.state.log).toMatchObject({ offset: { index: 5, term: 2 }, holes: [6, 7] })
    expect(core.state).toMatchObject({ commitIndex: 0, lastApplied: 0, durableIndex: 0 })
    expect(core.status().missing).toBe(7)
    expect(core.status().configuration.voters).toEqual(['n1', 'n2', 'n3'])
    // A segment behind it opens with the snapshot's description: then it is not lost.
    const known = recovered([BOOTSTRAP, ...before, shape, opened(2, meta(5, 2))])
    expect(known.state.log.lostBase).toBe(null)
  })

  it('a peer gives back the snapshot of the same index: its description counts then', () => {
    const old: WalRecord = { type: 'SnapshotTaken', snapshot: meta(4, 2) }
    const snapshot = { ...meta(4, 2), digest: 'of the peer' }
    const core = recovered([BOOTSTRAP, ...before, old, { type: 'SnapshotTaken', snapshot }])
    expect(core.state.log.snapshot?.digest).toBe('of the peer')
  })

  it('a segment with entries that were filled goes no sooner than they may', () => {
    const filled = { ...append(6, 7, 2), type: 'Filled' } as WalRecord
    expect(raft.lastIndexOf([filled])).toBe(7)
  })

  it('a snapshot whose file is lost is a lost base, and what lies behind it stays', () => {
    const records = [BOOTSTRAP, ...before, { type: 'SnapshotTaken', snapshot: meta(4, 2) } as const]
    const core = recovered([...records, raft.snapshotLost()])
    expect(core.state.log).toMatchObject({ offset: { index: 4, term: 2 }, snapshot: null })
    expect(core.state.log.entries.map((e) => e.index)).toEqual([5])
    expect(core.state).toMatchObject({ commitIndex: 0, lastApplied: 0 })
    const { effects } = raft.recover(
      [...records, raft.snapshotLost()],
      { id: 'n1', seed: 1, incarnation: 1 },
      DEFAULT_OPTIONS,
    )
    expect(effects.map((effect) => effect.type)).toEqual(['Note'])
  })

  it('tells who the members are, also when the record that named them is lost', () => {
    const core = recovered([shapeOf(...before)])
    expect(holesOf(core)).toEqual(['1@1', '2@2', '3@2', '4@2', '5@2'])
    expect(core.status()).toMatchObject({ missing: 5, commitIndex: 0, appliedIndex: 0 })
    expect(core.status().configuration.voters).toEqual(['n1', 'n2', 'n3'])
    expect(core.state.configurations.map((at) => at.index)).toEqual([1])
  })

  it('a configuration told of a hole goes with it when it is truncated', () => {
    const changed: WalRecord = { type: 'Append', entries: [entry(7, 2, true)] }
    const shape = shapeOf(...before, append(6, 6, 2), changed)
    const core = recovered([BOOTSTRAP, ...before, shape])
    expect(core.status().configuration.learners).toEqual(['learner7'])
    const cut = recovered([BOOTSTRAP, ...before, shape, hard(3), append(7, 7, 3)])
    expect(cut.status().configuration.learners).toEqual([])
  })

  it('what an overlong shape does not tell is not guessed', () => {
    // A term an entry: the shape tells the last 64. What stands before them may have been replaced.
    const terms = (from: number, through: number, offset: number): WalRecord[] =>
      Array.from({ length: through - from + 1 }, (_, i) =>
        append(from + i, from + i, from + i + offset),
      )
    const now = [hard(300), ...terms(2, 100, 0)]
    const same = recovered([BOOTSTRAP, hard(300), ...terms(2, 90, 0), shapeOf(...now)])
    expect(holesOf(same)).toHaveLength(10)
    // The one common entry vouches for all before it.
    expect(same.state.log.lostBase).toBe(null)
    const other = recovered([BOOTSTRAP, hard(300), ...terms(2, 90, 100), shapeOf(...now)])
    expect(other.state.log).toMatchObject({ offset: { index: 37, term: 37 } })
    expect(other.state.log.lostBase).not.toBe(null)
    expect(lastIndex(other.state.log)).toBe(100)
  })
})

describe('damage in random lives', () => {
  it('leaves the outline as it was, and heals to the very log', () => {
    const seen = { holes: 0, bases: 0, whole: 0, unknown: 0 }
    for (let seed = 1; seed <= 1500; seed++) {
      const life = new Life(seed)
      const random = seededRandom(seed + 77)
      for (let i = nextInt(random, 1, 60); i > 0; i--) life.step()
      const batches = life.segments.flatMap((segment) => segment.records)
      const wal = damaged(life, batches, random)
      if (wal === null) {
        seen.unknown++
        continue
      }
      const core = recovered(wal, life.options)
      expect(checkState(core.state), `seed ${seed}`).toBe(null)
      const from = Math.max(baseOf(core.state.log).index, baseOf(life.core.state.log).index)
      expect(outline(core, from), `seed ${seed}`).toBe(outline(life.core, from))
      if (core.state.log.lostBase !== null) seen.bases++
      else if (core.state.log.holes.length > 0) seen.holes++
      else seen.whole++
      expectHeld(core, wal)
      const tail = wal.length
      heal(core, life.core, wal)
      expect(isWhole(core.state.log), `seed ${seed}`).toBe(true)
      expect(picture(core), `seed ${seed}`).toBe(picture(life.core))
      expect(contents(core, from)).toEqual(contents(life.core, from))
      // What was filled is on disk: the next start finds it, with the damage still there before it.
      const again = recovered(wal, life.options)
      expect(missingCount(again.state.log), `seed ${seed}, ${wal.length - tail} records`).toBe(0)
      expect(contents(again, from)).toEqual(contents(life.core, from))
      expectHeld(again, wal)
    }
    expect(seen.holes).toBeGreaterThan(200)
    expect(seen.bases).toBeGreaterThan(50)
    expect(seen.whole).toBeGreaterThan(50)
  })
})

/** The simulator's judge of what a disk holds agrees with the fold, which it does not use. */
function expectHeld(core: Raft, wal: readonly WalRecord[]): void {
  const disk = new DurableLog()
  disk.write(wal)
  const { log } = core.state
  const held = log.entries.filter(({ index, term }) => disk.has(index, term))
  const here = log.entries.filter((e) => e.index <= snapshotIndex(log) || !isHole(log, e.index))
  expect(held.map((e) => e.index)).toEqual(here.map((e) => e.index))
}

function contents(core: Raft, from: number): LogEntry[] {
  const { log } = core.state
  return log.entries.filter((e) => e.index > from && !isHole(log, e.index))
}
