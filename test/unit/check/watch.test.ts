import { describe, expect, it } from 'vitest'
import { checkWatches, readWatchHistory } from '../../../src/check/index.js'

const put = (key: string, mod: number, version = 1, create = mod) => ({
  type: 'put',
  key,
  value: `v${mod}`,
  mod,
  version,
  create,
})
const start = { watch: 'w', type: 'start', key: 'a', end: 'c', revision: 2 }
const events = (...list: object[]) => ({ watch: 'w', type: 'events', events: list })
const write = (...list: object[]) => ({ type: 'write', events: list })
const progress = (revision: number) => ({ watch: 'w', type: 'progress', revision })

/** The rules that are broken. */
function broken(...lines: object[]): string[] {
  const text = lines.map((line) => JSON.stringify(line)).join('\n')
  return [...new Set(checkWatches(readWatchHistory(text)).violations.map(({ rule }) => rule))]
}

describe('what a watch promises', () => {
  const gone = { type: 'delete', key: 'a', mod: 5 }
  const history = [
    write(put('a', 2), put('b', 2)),
    write(put('a', 3, 2, 2)),
    write(put('z', 4)),
    write(gone),
    write(put('a', 6)),
  ]
  const told = [
    events(put('a', 2), put('b', 2)),
    events(put('a', 3, 2, 2)),
    progress(4),
    events(gone),
    events(put('a', 6)),
  ]

  it('holds', () => {
    expect(broken(...history, start, ...told)).toEqual([])
    expect(broken(start, ...told)).toEqual([])
    // A watch that starts now owes only what comes after its first event.
    expect(broken(...history, { ...start, revision: 0 }, told[3]!, told[4]!)).toEqual([])
    // Fragments are one response.
    expect(broken(start, { ...events(put('a', 2)), fragment: true }, events(put('b', 2)))).toEqual(
      [],
    )
  })

  it.each([
    ['ordered', [start, told[1]!, told[0]!]],
    ['unique', [start, told[0]!, told[1]!, told[1]!]],
    ['atomic', [start, events(put('a', 2)), events(put('b', 2))]],
    ['filtered', [start, told[0]!, events(put('z', 4))]],
    ['filtered', [{ ...start, revision: 3 }, told[0]!, told[1]!]],
    ['reliable', [...history, start, told[0]!, told[3]!, told[4]!]],
    ['resumable', [...history, start, told[1]!, told[2]!, told[3]!, told[4]!]],
    ['bookmarkable', [...history, start, told[0]!, progress(3)]],
    ['bookmarkable', [start, told[0]!, progress(3), told[1]!]],
    ['consistent', [...history, start, events(put('a', 2), { ...put('b', 2), value: 'other' })]],
    ['versioned', [start, told[0]!, events(put('a', 3, 3, 2))]],
    ['versioned', [start, told[0]!, events(put('a', 3, 2, 3))]],
  ])('%s', (rule, lines) => {
    expect(broken(...lines)).toContain(rule)
  })

  it.each([
    [[events()], /line 1: watch w has not started/],
    [[start, start], /line 2: watch w starts twice/],
    [[start, { watch: 'w', type: 'events' }], /line 2: expected events to be a list, found none/],
    [
      [start, events({ type: 'put', key: 'a' })],
      /line 2: expected mod to be a whole number, found none/,
    ],
    [[{ type: 'start' }], /line 1: expected watch to name the watch/],
  ])('bad lines are refused', (lines, message) => {
    expect(() => broken(...lines)).toThrow(message)
  })
})
