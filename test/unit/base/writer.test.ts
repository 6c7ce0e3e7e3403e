/** Writers share memory, and none ever writes into another's bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat } from '../../../src/base/bytes.js'
import { utf8Encode } from '../../../src/base/utf8.js'
import { Reader, Writer } from '../../../src/base/varint.js'

const jobs = fc.array(
  fc.record({
    capacity: fc.integer({ min: 1, max: 1_500 }),
    pieces: fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 5 }),
  }),
  { minLength: 2, maxLength: 40 },
)

test('what was finished stays as it was, whatever other writers write meanwhile and after', () => {
  fc.assert(
    fc.property(jobs, fc.array(fc.nat(1_000), { minLength: 300, maxLength: 300 }), (all, turns) => {
      const open = all.map((job) => ({ ...job, w: null as Writer | null, next: 0 }))
      const finished: { bytes: Uint8Array; wanted: Uint8Array }[] = []
      for (const turn of turns) {
        const one = open[turn % open.length]
        if (one === undefined) break
        // Some begin while others are written, and some when others have finished.
        one.w ??= new Writer(one.capacity)
        const piece = one.pieces[one.next++]
        if (piece !== undefined) {
          one.w.raw(piece)
          continue
        }
        expect(one.w.length).toBe(concat(one.pieces).length)
        finished.push({ bytes: one.w.finish(), wanted: concat(one.pieces) })
        open.splice(turn % open.length, 1)
      }
      for (const { bytes, wanted } of finished) expect(bytes).toEqual(wanted)
    }),
  )
})

test('one that begins anew has its own memory, wherever in the shared one that lies', () => {
  // It wrote at the start of the shared memory, over what others had finished there, and gave bytes of its old place:
  // under a signed tree whose inner hashes were made so, any leaf was signed.
  fc.assert(
    fc.property(jobs, fc.integer({ min: 1, max: 1_500 }), fc.nat(700), (all, capacity, before) => {
      const first = new Writer(before + 1).raw(new Uint8Array(before).fill(7))
      const finished: { bytes: Uint8Array; wanted: Uint8Array }[] = []
      finished.push({ bytes: first.finish(), wanted: new Uint8Array(before).fill(7) })
      const again = new Writer(capacity)
      for (const one of all) {
        again.restart()
        for (const piece of one.pieces) again.raw(piece)
        const wanted = concat(one.pieces)
        expect(again.finish()).toEqual(wanted)
        const w = new Writer(one.capacity)
        for (const piece of one.pieces) w.raw(piece)
        finished.push({ bytes: w.finish(), wanted })
      }
      for (const { bytes, wanted } of finished) expect(bytes).toEqual(wanted)
    }),
  )
})

test('text is its UTF-8 behind its length', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 })), (texts) => {
      const w = new Writer(8)
      for (const text of texts) w.text(text)
      const r = new Reader(w.finish())
      for (const text of texts) expect(r.chunk()).toEqual(utf8Encode(text))
      expect(r.left).toBe(0)
    }),
  )
})
