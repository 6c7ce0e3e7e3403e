import { describe, expect, it } from 'vitest'
import type { SnapshotMeta } from '../../../src/consensus/contract.js'
import * as Log from '../../../src/consensus/raft/log.js'
import { entriesOf } from '../../support/raft-core.js'

const CONFIGURATION = {
  members: [],
  voters: ['n1'],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
}

function snapshotAt(index: number, term: number): SnapshotMeta {
  return { index, term, time: 0, configuration: CONFIGURATION, digest: 'd', bytes: 1 }
}

/** Entries from 1 on. */
function logOf(...terms: number[]): Log.Log {
  const log = Log.emptyLog()
  Log.append(log, entriesOf(1, ...terms), 1)
  return log
}

describe('reading', () => {
  const log = logOf(1, 1, 2, 4)

  it('an empty log ends at 0', () => {
    const empty = Log.emptyLog()
    expect(Log.lastEntry(empty)).toEqual({ index: 0, term: 0 })
    expect(Log.hasEntry(empty, { index: 0, term: 0 })).toBe(true)
  })

  for (const [index, term] of [
    [0, 0],
    [1, 1],
    [3, 2],
    [4, 4],
    [5, null],
  ] as const)
    it(`the term at ${index} is ${term}`, () => {
      expect(Log.termAt(log, index)).toBe(term)
    })

  it('below the first entry in memory there is no term', () => {
    const compacted = logOf(1, 1, 2, 4)
    compacted.snapshot = snapshotAt(3, 2)
    Log.compact(compacted, 3)
    expect([1, 2, 3, 4].map((i) => Log.termAt(compacted, i))).toEqual([null, null, 2, 4])
    expect(Log.lastEntry(compacted)).toEqual({ index: 4, term: 4 })
  })

  it('a slice leaves out its lower end', () => {
    expect(Log.slice(log, 1, 3).map((e) => e.index)).toEqual([2, 3])
  })
})

describe('isUpToDate: the later last term wins, then the longer log', () => {
  for (const [a, b, wins] of [
    [[5, 1], [4, 1], true],
    [[4, 1], [4, 1], true],
    [[3, 1], [4, 1], false],
    [[1, 2], [9, 1], true],
    [[9, 1], [1, 2], false],
  ] as const)
    it(`${a.join('@')} against ${b.join('@')}: ${wins}`, () => {
      expect(Log.isUpToDate({ index: a[0], term: a[1] }, { index: b[0], term: b[1] })).toBe(wins)
    })
})

describe('lastPossibleMatch', () => {
  const log = logOf(1, 1, 3, 3, 6)
  for (const [id, match] of [
    [
      [5, 6],
      [5, 6],
    ],
    [
      [5, 5],
      [4, 3],
    ],
    [
      [4, 2],
      [2, 1],
    ],
    [
      [9, 9],
      [5, 6],
    ],
    [
      [9, 3],
      [4, 3],
    ],
    [
      [2, 9],
      [2, 1],
    ],
    [
      [3, 0],
      [0, 0],
    ],
    [
      [0, 0],
      [0, 0],
    ],
  ] as const)
    it(`of ${id.join('@')} is ${match.join('@')}`, () => {
      expect(Log.lastPossibleMatch(log, { index: id[0], term: id[1] })).toEqual({
        index: match[0],
        term: match[1],
      })
    })

  it('never skips an entry that both logs have', () => {
    // All pairs of short logs with terms 1..3: the real match is never above what both sides' hints allow.
    const logs: number[][] = []
    for (let a = 0; a <= 3; a++)
      for (let b = a; b <= 3; b++)
        for (let c = b; c <= 3; c++) logs.push([a, b, c].filter((term) => term > 0))
    for (const leader of logs)
      for (const follower of logs) {
        let shared = 0
        while (shared < leader.length && leader[shared] === follower[shared]) shared++
        // With terms per position as identity, the prefix they share is the longest match.
        if (leader.length === 0) continue
        const prev = Log.lastEntry(logOf(...leader))
        const hint = Log.lastPossibleMatch(logOf(...follower), prev)
        expect(hint.index).toBeGreaterThanOrEqual(Math.min(shared, prev.index))
        const next = Log.lastPossibleMatch(logOf(...leader), hint)
        expect(Math.min(next.index, hint.index)).toBeGreaterThanOrEqual(
          Math.min(shared, prev.index),
        )
      }
  })
})

describe('writing', () => {
  it('a gap is impossible', () => {
    expect(() => Log.append(logOf(1), entriesOf(3, 1), 1)).toThrow(/follow one another/)
  })

  it('terms never decrease', () => {
    expect(() => Log.append(logOf(2), entriesOf(2, 1), 1)).toThrow(/never decrease/)
  })

  it('truncation drops entries and their batches', () => {
    const log = logOf(1, 1, 1)
    Log.truncate(log, 1)
    expect([log.entries.length, log.batches.length, Log.lastIndex(log)]).toEqual([1, 1, 1])
    expect(() => Log.truncate(log, -1)).toThrow()
  })

  it('only what a snapshot covers is compacted', () => {
    const log = logOf(1, 1, 1)
    expect(() => Log.compact(log, 2)).toThrow(/snapshot/)
  })

  it('a snapshot replaces all', () => {
    const log = logOf(1, 1, 1)
    Log.resetTo(log, snapshotAt(2, 5))
    expect(Log.lastEntry(log)).toEqual({ index: 2, term: 5 })
    expect([log.entries.length, log.batches.length]).toEqual([0, 0])
  })
})

describe('compactionPoint: the tail keeps within both bounds', () => {
  for (const [keepEntries, keepBytes, point] of [
    [0, 1000, 5],
    [2, 1000, 3],
    [99, 1000, 0],
    [99, 80, 3],
    [99, 79, 4],
    [99, 0, 5],
  ] as const)
    it(`${keepEntries} entries, ${keepBytes} bytes: ${point}`, () => {
      const log = logOf(1, 1, 1, 1, 1, 1, 1)
      log.snapshot = snapshotAt(5, 1)
      expect(Log.compactionPoint(log, keepEntries, keepBytes)).toBe(point)
    })
})
