import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Log from '../../../src/consensus/raft/log.js'
import {
  decodeShape,
  encodeShape,
  RUNS_MAX,
  runsOf,
  shapeOf,
  termIn,
} from '../../../src/consensus/raft/shape.js'
import type { ConfigurationAt } from '../../../src/consensus/raft/state.js'
import { entriesOf } from '../../support/raft-core.js'
import { meta } from '../../support/raft-life.js'

/** A log behind a base, with these many entries of each next term. */
function logOf(base: number, lengths: readonly number[]): Log.Log {
  const log = Log.emptyLog()
  if (base > 0) Log.resetTo(log, meta(base, 1))
  let term = 1
  for (const length of lengths) {
    const terms = Array.from({ length }, () => term)
    Log.append(log, entriesOf(Log.lastIndex(log) + 1, ...terms), 0)
    term += 1 + (length % 3)
  }
  return log
}

const NONE: ConfigurationAt[] = []
const ONE: ConfigurationAt[] = [{ index: 3, configuration: meta(3, 1).configuration }]

const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 90 })

describe('a shape', () => {
  it('tells the term of every entry, but for those older than its newest runs', () => {
    fc.assert(
      fc.property(fc.nat(50), lengths, (base, runs) => {
        const log = logOf(base, runs)
        const shape = shapeOf({ term: 500, votedFor: 'n2', configurations: NONE }, log)
        const told = shape.runs[0]?.from ?? base + 1
        for (let index = base + 1; index <= Log.lastIndex(log); index++)
          expect(termIn(shape, index)).toBe(index < told ? null : Log.termAt(log, index))
        expect(shape.runs.length).toBe(Math.min(RUNS_MAX, runs.length))
        expect(termIn(shape, Log.lastIndex(log) + 1)).toBe(null)
        expect(decodeShape(encodeShape(shape))).toEqual(shape)
      }),
    )
  })

  it('is small: some twenty bytes, at most 1 KiB and a name', () => {
    const usual = shapeOf(
      { term: 12, votedFor: 'n2', configurations: NONE },
      logOf(100_000, [9, 9, 9]),
    )
    // Of a file with the digest of one byte: a real one is 63 longer.
    expect(encodeShape(usual).length).toBeLessThan(32)
    const far = Number.MAX_SAFE_INTEGER
    const runs = Array.from({ length: RUNS_MAX }, (_, i) => ({
      from: 2 ** 45 * (i + 1),
      term: far - 100 + i,
    }))
    const worst = {
      term: far,
      votedFor: 'x'.repeat(63),
      base: { index: 1, term: 1 },
      snapshot: { time: far, digest: 'f'.repeat(64), bytes: far },
      lastIndex: far,
      configuration: null,
      runs,
    }
    expect(decodeShape(encodeShape(worst))).toEqual(worst)
    expect(encodeShape(worst).length).toBeLessThan(1024 + 128)
  })

  it('with many long names still fits: then it tells fewer runs', () => {
    const ids = Array.from({ length: 7 }, (_, i) => `${i}`.repeat(63))
    const members = ids.map((id) => ({ id, uid: 'f'.repeat(32) }))
    const configuration = { ...meta(3, 1).configuration, members, voters: ids }
    const shape = shapeOf(
      { term: 500, votedFor: ids[0] ?? '', configurations: [{ index: 2, configuration }] },
      logOf(
        1,
        Array.from({ length: 90 }, () => 1),
      ),
    )
    expect(shape.runs.length).toBe(16)
    expect(encodeShape(shape).length).toBeLessThan(2048)
    expect(decodeShape(encodeShape(shape))).toEqual(shape)
  })

  it('whatever the bytes, decoding gives a shape that holds together or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const shape = decodeShape(bytes)
        if (shape === null) return
        expect(shape.lastIndex).toBeGreaterThanOrEqual(shape.base.index)
        const terms = [shape.base.term, ...shape.runs.map((run) => run.term), shape.term]
        expect([...terms].sort((a, b) => a - b)).toEqual(terms)
      }),
      { numRuns: 2000 },
    )
  })

  it('cut short or prolonged it is none', () => {
    const bytes = encodeShape(
      shapeOf({ term: 9, votedFor: 'n3', configurations: ONE }, logOf(3, [2, 4])),
    )
    for (let length = 0; length < bytes.length; length++)
      if (length !== bytes.length - 4)
        expect(decodeShape(bytes.subarray(0, length)), `${length}`).toBe(null)
    // Four bytes tell the snapshot's file; a shape without them is one that does not tell it.
    expect(decodeShape(bytes)?.snapshot).toEqual({ time: 3, digest: 'd', bytes: 1 })
    expect(decodeShape(bytes.subarray(0, -4))).toEqual({ ...decodeShape(bytes), snapshot: null })
    expect(decodeShape(Uint8Array.of(...bytes, 0))).toBe(null)
  })

  it('finds its runs by halving: the cost does not grow with the log', () => {
    const log = logOf(0, [])
    Log.append(
      log,
      entriesOf(1, ...Array.from({ length: 20_000 }, (_, i) => (i < 9_000 ? 1 : 2))),
      0,
    )
    let reads = 0
    const counted = new Proxy(log.entries, {
      get: (entries, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) reads++
        return Reflect.get(entries, key, receiver)
      },
    })
    expect(runsOf({ ...log, entries: counted }, 0)).toEqual([
      { from: 1, term: 1 },
      { from: 9_001, term: 2 },
    ])
    expect(reads).toBeLessThan(50)
  })
})
