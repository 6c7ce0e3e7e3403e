/** The history as a query: what it tells, where it cuts, and that garbage makes no difference. */
import { describe, expect, it } from 'vitest'
import { equalBytes } from '../../../src/base/bytes.js'
import { nextInt, pick, seededRandom } from '../../../src/base/random.js'
import { ChangesRequest, ChangesResponse } from '../../../src/gen/quorate/kv/v1/kv.js'
import { CHANGES_BYTES_MAX } from '../../../src/machine/kv/changes.js'
import { CommandTag, encodeCommand } from '../../../src/machine/kv/commands.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { b, command, op, put, speak, t, txn } from './helpers.js'

const query = (fromRevision: number, fromPlace = 0): Uint8Array =>
  encodeCommand(CommandTag.CHANGES, ChangesRequest.encode({ fromRevision, fromPlace }).finish())

function changes(machine: KvMachine, fromRevision: number, fromPlace = 0): ChangesResponse {
  const result = machine.query(query(fromRevision, fromPlace))
  expect(result[0]).toBe(0)
  return ChangesResponse.decode(result.subarray(1))
}

const texts = ({ events }: ChangesResponse): string[] =>
  events.map(({ type, kv, prevKv }) => {
    const was = prevKv === undefined ? '' : ` was ${t(prevKv.value)}`
    const is = type === 1 ? `-${t(kv!.key)}` : `${t(kv!.key)}=${t(kv!.value)}`
    return `${is}@${kv!.modRevision}${was}`
  })

describe('changes', () => {
  it('are told from a revision on, with what was there before', () => {
    const kv = speak(new KvMachine())
    kv.put({ key: 'a', value: '1' })
    kv.txn({ success: [op.put({ key: 'a', value: '2' }), op.put({ key: 'b', value: 'x' })] })
    kv.del({ key: 'a' })
    const all = changes(kv.machine, 2)
    expect(texts(all)).toEqual(['a=1@2', 'a=2@3 was 1', 'b=x@3', '-a@4 was 2'])
    expect(all).toMatchObject({ nextRevision: 5, nextPlace: 0, compactRevision: -1 })
    expect(all.header?.revision).toBe(4)
    expect(texts(changes(kv.machine, 3, 1))).toEqual(['b=x@3', '-a@4 was 2'])
  })

  it('of the future are none, and how far the store is is told', () => {
    const kv = speak(new KvMachine())
    kv.put({ key: 'a' })
    const none = changes(kv.machine, Number.MAX_SAFE_INTEGER)
    expect(none.events).toEqual([])
    expect(none.header?.revision).toBe(2)
    expect(none.nextRevision).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('that are compacted away are gone; at the compacted revision they are not', () => {
    const kv = speak(new KvMachine())
    for (const value of ['1', '2', '3']) kv.put({ key: 'a', value })
    kv.compact(3)
    expect(changes(kv.machine, 2)).toMatchObject({ events: [], compactRevision: 3 })
    expect(texts(changes(kv.machine, 3))).toEqual(['a=2@3', 'a=3@4 was 2'])
  })

  it('are whole revisions up to a bound, and a part of one that is larger', () => {
    const kv = speak(new KvMachine())
    const value = 'v'.repeat(100 * 1024)
    kv.put({ key: 'small', value: 's' })
    const keys = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    kv.txn({ success: keys.map((key) => op.put({ key, value })) })
    kv.put({ key: 'last', value: 'l' })
    const seen: number[] = []
    let at = { nextRevision: 2, nextPlace: 0 }
    for (let asks = 0; asks < 10 && at.nextRevision < 5; asks++) {
      const page = changes(kv.machine, at.nextRevision, at.nextPlace)
      expect(ChangesResponse.encode(page).finish().length).toBeLessThan(1.1 * CHANGES_BYTES_MAX)
      seen.push(page.events.length)
      at = page
    }
    // The small one is not told with a part of the large one; the rest of that goes with what follows.
    expect(seen).toEqual([1, 10, 3])
    expect(at).toMatchObject({ nextRevision: 5, nextPlace: 0 })
  })

  it('of deletions are bounded by the values that they tell', () => {
    const kv = speak(new KvMachine())
    const value = 'v'.repeat(100 * 1024)
    for (let i = 0; i < 12; i++) kv.put({ key: `k${i}`, value })
    kv.del({ key: 'k', rangeEnd: 'l' })
    const first = changes(kv.machine, 14, 0)
    expect(ChangesResponse.encode(first).finish().length).toBeLessThan(1.1 * CHANGES_BYTES_MAX)
    expect(first.events.length).toBe(10)
    expect(changes(kv.machine, first.nextRevision, first.nextPlace).events.length).toBe(2)
  })

  it('are the same bytes on every node, whatever of the garbage it has collected', () => {
    const random = seededRandom(7)
    const lazy = new KvMachine()
    const eager = new KvMachine()
    let index = 0
    let restored = new KvMachine()
    for (let i = 0; i < 600; i++) {
      const key = pick(random, ['a', 'b', 'c', 'd'])
      const value = String(i)
      const what = nextInt(random, 0, 9)
      const bytes =
        what === 0
          ? command.compact(nextInt(random, 1, lazy.revision))
          : what < 3
            ? command.del({ key: b(key), rangeEnd: b(''), prevKv: false })
            : what < 5
              ? command.txn(
                  txn({ success: [op.del({ key, rangeEnd: 'zz' }), op.put({ key: 'z', value })] }),
                )
              : command.put(put({ key, value }))
      const context = { index: ++index, time: index }
      for (const one of [lazy, eager, restored]) one.apply(bytes, context)
      // A snapshot that is open holds up the lazy one's collection.
      if (i % 40 === 0) lazy.snapshot()[Symbol.iterator]().next()
      while (eager.collect(1_000));
      if (i % 50 === 49) {
        restored = new KvMachine()
        restored.restore(eager.snapshot())
      }
      for (const from of [lazy.compactRevision, lazy.compactRevision + 1, lazy.revision]) {
        const asked = query(Math.max(0, from))
        const wanted = lazy.query(asked)
        expect(equalBytes(eager.query(asked), wanted)).toBe(true)
        expect(equalBytes(restored.query(asked), wanted)).toBe(true)
      }
    }
  })
})
