import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../../src/consensus/contract.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { b, command, put, range } from './helpers.js'

const requests = fc.record({
  session: fc.integer({ min: 0, max: 6 }),
  seq: fc.integer({ min: 1, max: 12 }),
  ackedThrough: fc.integer({ min: 0, max: 6 }),
  command: fc.constantFrom(
    command.put(put({ key: 'a', value: '1' })),
    command.put(put({ key: 'b', value: '2' })),
    command.range(range({ key: 'a' })),
    b('garbage'),
  ),
})
const entries = fc
  .array(
    fc.record({
      elapsed: fc.constantFrom(0, 1, 10, 400_000),
      requests: fc.array(requests, { maxLength: 5 }),
    }),
    { minLength: 3, maxLength: 40, size: 'max' },
  )
  .map((list) => {
    let time = 0
    return list.map(({ elapsed, requests }, i): Entry => {
      time += elapsed
      return { index: i + 1, time, requests }
    })
  })

const whole = (machine: SessionMachine): Uint8Array => {
  const parts = [...machine.snapshot()]
  return new Uint8Array(Buffer.concat(parts))
}

test('the hash that is kept up to date equals that of a machine that computes it once, from a snapshot', () => {
  fc.assert(
    fc.property(entries, fc.array(fc.nat(39)), (list, asked) => {
      const kept = new SessionMachine(new KvMachine())
      const lazy = new SessionMachine(new KvMachine())
      for (const entry of list) {
        const answers = kept.applyEntry(entry)
        expect(lazy.applyEntry(entry)).toEqual(answers)
        if (asked.includes(entry.index)) kept.fullHash()
      }
      expect(kept.fullHash()).toBe(lazy.fullHash())
      const fresh = new SessionMachine(new KvMachine())
      fresh.restore([whole(kept)])
      expect(fresh.fullHash()).toBe(kept.fullHash())
      expect(whole(fresh)).toEqual(whole(kept))
    }),
    { numRuns: 150 },
  )
})

test('a restored machine goes on exactly as the one that wrote the snapshot', () => {
  fc.assert(
    fc.property(entries, fc.nat(40), (list, cut) => {
      const through = new SessionMachine(new KvMachine())
      let other = new SessionMachine(new KvMachine())
      for (const entry of list) {
        if (entry.index === cut) {
          const fresh = new SessionMachine(new KvMachine())
          fresh.restore([whole(other)])
          other = fresh
        }
        expect(other.applyEntry(entry)).toEqual(through.applyEntry(entry))
        expect(other.fullHash()).toBe(through.fullHash())
        expect(other.sessionCount).toBe(through.sessionCount)
      }
    }),
    { numRuns: 150 },
  )
})

test('an ordered read changes the full hash and not the hash of the data', () => {
  const machine = new SessionMachine(new KvMachine())
  const open = { session: 0, seq: 1, ackedThrough: 0, command: b('') }
  const write = { session: 1, seq: 1, ackedThrough: 0, command: command.put(put({ key: 'a' })) }
  machine.applyEntry({ index: 1, time: 1, requests: [open, write] })
  const [data, full] = [machine.hash(), machine.fullHash()]
  const read = { session: 1, seq: 2, ackedThrough: 0, command: command.range(range({ key: 'a' })) }
  machine.applyEntry({ index: 2, time: 1, requests: [read] })
  expect(machine.hash()).toBe(data)
  expect(machine.fullHash()).not.toBe(full)
})

test('one byte of one value, and every other part of the state, shows in the hash', () => {
  const variant = (seq: number, acked: number, time: number, value: string): SessionMachine => {
    const machine = new SessionMachine(new KvMachine())
    const open = { session: 0, seq: 1, ackedThrough: 0, command: b('') }
    const write = {
      session: 1,
      seq,
      ackedThrough: acked,
      command: command.put(put({ key: 'a', value })),
    }
    machine.applyEntry({ index: 1, time, requests: [open, write] })
    return machine
  }
  const all = [
    variant(2, 0, 1, 'x'),
    variant(3, 0, 1, 'x'),
    variant(2, 1, 1, 'x'),
    variant(2, 0, 2, 'x'),
    variant(2, 0, 1, 'y'),
  ]
  expect(new Set(all.map((machine) => machine.fullHash())).size).toBe(all.length)
  expect(new Set(all.map((machine) => machine.hash())).size).toBe(2)
})
