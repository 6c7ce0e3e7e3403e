import { describe, expect, it } from 'vitest'
import { DEFAULT_OPTIONS, raft, type WalRecord } from '../../../src/consensus/raft/index.js'
import { checkState } from '../../../src/consensus/raft/invariants.js'
import { lastIndex, snapshotIndex } from '../../../src/consensus/raft/log.js'
import {
  append,
  BOOTSTRAP,
  hard,
  Life,
  meta,
  opened,
  picture,
  recovered,
  SELF,
} from '../../support/raft-life.js'

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
