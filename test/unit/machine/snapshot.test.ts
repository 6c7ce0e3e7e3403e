import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { SnapshotError } from '../../../src/machine/state-machine.js'
import { Counter } from './counter.js'
import { b, command, put, speak } from './helpers.js'

const join = (pieces: Iterable<Uint8Array>): Uint8Array =>
  new Uint8Array(Buffer.concat([...pieces]))

/** Two sessions with answers, keys with histories, a deletion, a compaction. */
function filled(keys = 40): SessionMachine {
  const machine = new SessionMachine(new KvMachine())
  let index = 0
  const apply = (session: number, seq: number, bytes: Uint8Array, time = 5): void => {
    machine.applyEntry({
      index: ++index,
      time,
      requests: [{ session, seq, ackedThrough: 0, command: bytes }],
    })
  }
  apply(0, 1, b(''))
  apply(0, 1, b(''))
  for (let i = 1; i <= keys; i++)
    apply(1 + (i % 2), i, command.put(put({ key: `k${i % 7}\xff`, value: `v${i}`.repeat(i) })))
  apply(1, 500, command.compact(20))
  return machine
}

describe('round trip', () => {
  test('a restored machine has the same hashes, answers and place, and writes the same bytes', () => {
    const machine = filled()
    const bytes = join(machine.snapshot())
    const fresh = new SessionMachine(new KvMachine())
    fresh.restore([bytes])
    expect(fresh.fullHash()).toBe(machine.fullHash())
    expect(fresh.appliedIndex).toBe(machine.appliedIndex)
    expect(fresh.storedAnswer(1, 2)).toEqual(machine.storedAnswer(1, 2))
    expect(join(fresh.snapshot())).toEqual(bytes)
  })

  test('the bytes may be cut into chunks of any size', () => {
    const machine = filled()
    const bytes = join(machine.snapshot())
    for (const size of [1, 7, 100, bytes.length]) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
      const fresh = new SessionMachine(new KvMachine())
      fresh.restore([b(''), ...chunks, b('')])
      expect(fresh.fullHash()).toBe(machine.fullHash())
    }
  })

  test('an inner machine gets its chunks with the boundaries it gave them', () => {
    const machine = new SessionMachine(new Counter())
    machine.applyEntry({ index: 1, time: 1, requests: [] })
    const counter = new Counter()
    new SessionMachine(counter).restore([join(machine.snapshot())])
    expect(counter.count).toBe(0)
  })

  test('an empty machine', () => {
    const fresh = filled()
    fresh.restore(new SessionMachine(new KvMachine()).snapshot())
    expect(fresh.fullHash()).toBe(new SessionMachine(new KvMachine()).fullHash())
    expect(fresh.appliedIndex).toBe(0)
  })

  test('pieces are bounded, and a large value is cut', () => {
    const machine = filled()
    const value = new Uint8Array(1_000_000).fill(7)
    const request = {
      session: 1,
      seq: 900,
      ackedThrough: 0,
      command: command.put(put({ key: 'big', value })),
    }
    machine.applyEntry({ index: machine.appliedIndex + 1, time: 9, requests: [request] })
    const pieces = [...machine.snapshot()]
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(256 * 1024)
    const fresh = new SessionMachine(new KvMachine())
    fresh.restore(pieces)
    expect(fresh.fullHash()).toBe(machine.fullHash())
  })
})

describe('frozen', () => {
  test('what is applied, compacted and expired while the pieces are pulled is not in the snapshot', () => {
    const machine = new SessionMachine(new KvMachine())
    let index = 0
    const apply = (session: number, seq: number, bytes: Uint8Array, time: number): void => {
      const request = { session, seq, ackedThrough: Math.max(0, seq - 3), command: bytes }
      machine.applyEntry({ index: ++index, time, requests: [request] })
    }
    apply(0, 0, b(''), 1)
    apply(0, 0, b(''), 1)
    const write = (i: number, time: number): void =>
      apply(1, i, command.put(put({ key: `k${(i * 7919) % 20_000}`, value: `v${i}` })), time)
    for (let i = 1; i <= 30_000; i++) write(i, 1)
    apply(1, 30_001, command.compact(12_000), 1)
    const hash = machine.fullHash()
    const view = machine.snapshot()
    const pieces: Uint8Array[] = []
    let i = 30_002
    let compacted = 12_000
    for (let next = view.next(); next.done !== true; next = view.next()) {
      pieces.push(next.value.slice())
      for (let k = 0; k < 1500; k++) write(i++, 2)
      // Soon far enough that what the snapshot has yet to write is garbage to everybody else.
      compacted += pieces.length < 3 ? 9000 : 1000
      apply(1, i++, command.compact(compacted), 2)
      if (pieces.length !== 6) continue
      // Both sessions are silent for too long; a new one goes on.
      apply(0, 1, b(''), 700_000)
      apply(machine.ordinal, 1, command.put(put({ key: 'other' })), 700_000)
    }
    expect(machine.sessionCount).toBe(1)
    expect(pieces.length).toBeGreaterThan(5)
    const fresh = new SessionMachine(new KvMachine())
    fresh.restore(pieces)
    expect(fresh.fullHash()).toBe(hash)
    expect(machine.fullHash()).not.toBe(hash)
  })

  test('two open at once see each their own state', () => {
    const machine = filled()
    const first = { hash: machine.fullHash(), view: machine.snapshot() }
    const step = (seq: number): void => {
      const request = {
        session: 1,
        seq,
        ackedThrough: seq - 1,
        command: command.put(put({ key: 'x' })),
      }
      machine.applyEntry({ index: machine.appliedIndex + 1, time: 9, requests: [request] })
    }
    step(601)
    const second = { hash: machine.fullHash(), view: machine.snapshot() }
    step(602)
    for (const { hash, view } of [second, first]) {
      const fresh = new SessionMachine(new KvMachine())
      fresh.restore(view)
      expect(fresh.fullHash()).toBe(hash)
    }
  })

  test('an open snapshot keeps garbage, a closed one lets it go', () => {
    const kv = new KvMachine()
    const { put, compact } = speak(kv)
    for (let i = 0; i < 300; i++) put({ key: 'k', value: String(i) })
    const view = kv.snapshot()[Symbol.iterator]()
    compact(250)
    expect(kv.collect(1000)).toBe(false)
    expect(kv.eventsHeld).toBe(300)
    view.return?.()
    expect(kv.collect(1000)).toBe(false)
    expect(kv.eventsHeld).toBe(52)
  })

  test('one snapshot too many closes the oldest, which then does not pass for whole', () => {
    const kv = new KvMachine()
    speak(kv).put({ key: 'k' })
    const oldest = kv.snapshot()[Symbol.iterator]()
    oldest.next()
    for (let i = 0; i < 4; i++) kv.snapshot()
    expect(() => oldest.next()).toThrow(SnapshotError)
  })

  test('a machine whose snapshot is a generator is captured at the call, not at the first pull', () => {
    class Sum extends Counter {
      override *snapshot(): Iterable<Uint8Array> {
        yield new Uint8Array(Buffer.from(String(this.count)))
      }
      override restore(chunks: Iterable<Uint8Array>): void {
        this.count = Number(Buffer.concat([...chunks]).toString())
      }
    }
    const machine = new SessionMachine(new Sum())
    const apply = (index: number, session: number, seq: number): void => {
      const request = { session, seq, ackedThrough: 0, command: b('') }
      machine.applyEntry({ index, time: 5, requests: [request] })
    }
    apply(1, 0, 1)
    apply(2, 1, 1)
    const captured = machine.snapshot()
    apply(3, 1, 2)
    const sum = new Sum()
    new SessionMachine(sum).restore([join(captured)])
    expect(sum.count).toBe(1)
  })

  test('a snapshot that is never pulled can be closed', () => {
    const kv = new KvMachine()
    const machine = new SessionMachine(kv)
    for (let i = 0; i < 20; i++) machine.snapshot().return?.()
    const view = machine.snapshot()
    expect(join(view).length).toBeGreaterThan(0)
  })
})

describe('hostile bytes', () => {
  const good = join(filled().snapshot())

  function refused(bytes: Uint8Array): SnapshotError {
    const live = filled(20)
    const hash = live.fullHash()
    try {
      live.restore([bytes])
    } catch (error) {
      expect(live.fullHash()).toBe(hash)
      expect(live.appliedIndex).toBe(23)
      expect(error).toBeInstanceOf(SnapshotError)
      return error as SnapshotError
    }
    throw new Error('accepted')
  }

  test('every truncation is refused, and the live state stays', () => {
    for (let length = 0; length < good.length; length++) refused(good.subarray(0, length))
  })

  test('every flipped bit is refused', () => {
    for (let at = 0; at < good.length; at++) {
      const bytes = good.slice()
      bytes[at]! ^= 1 << (at % 8)
      refused(bytes)
    }
  })

  test('the refusal says what is wrong', () => {
    expect(refused(b('')).message).toMatch(/ends too early/)
    expect(refused(b('\x01\x04abcd')).message).toMatch(/no snapshot of a replicated machine/)
    expect(refused(new Uint8Array(Buffer.concat([good, b('x')]))).message).toMatch(/behind the end/)
    const flipped = good.slice()
    flipped[flipped.length - 1]! ^= 1
    expect(refused(flipped).message).toMatch(/checksum/)
    expect(refused(b('\x01\xff\xff\xff\xff\xff\xff\x7f')).message).toMatch(/frame of \d+ bytes/)
  })

  test('garbage is refused with a SnapshotError and nothing else', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void refused(bytes)))
  })

  test('a store with a sound frame around unsound chunks is refused', () => {
    const chunks = (): Uint8Array[] => {
      const kv = new KvMachine()
      const { put, del, compact, apply } = speak(kv)
      for (let i = 0; i < 12; i++) put({ key: `k${i % 3}`, value: String(i) })
      del({ key: 'k1' })
      compact(6)
      apply(command.grant('7', 9))
      apply(command.alarm(1, 2))
      return [...kv.snapshot()].map((chunk) => chunk.slice())
    }
    const live = new KvMachine()
    speak(live).put({ key: 'live' })
    const hash = live.hash()
    const all = chunks()
    expect(all.map(([kind]) => kind)).toEqual([1, 2, 3, 4, 5, 6])
    const [header, base, events, leases, alarms, end] = all as [Uint8Array, ...Uint8Array[]]
    const shapes = [
      [],
      [header],
      [header, base],
      [header, base, events],
      [header, base, events, leases, alarms],
      [base, events, leases, alarms, end],
      [header, events, base, leases, alarms, end],
      [header, base, events, alarms, leases, end],
      [header, header, base, events, leases, alarms, end],
      [header, base, base, events, leases, alarms, end],
      [header, base, events, events, leases, alarms, end],
      [header, base, events, leases, leases, alarms, end],
      [header, base, events, leases, alarms, alarms, end],
      [header, events, leases, alarms, end],
      [header, base, events, alarms, end],
      [header, base, events, leases, end],
      [header, base, events, leases, alarms, end, end],
      [header, base, events, leases, alarms, Uint8Array.of(9)],
    ] as Uint8Array[][]
    for (const shape of shapes) expect(() => live.restore(shape)).toThrow(SnapshotError)
    let flips = 0
    for (const [n, chunk] of chunks().entries()) {
      for (let at = 0; at < chunk.length; at++) {
        const bad = chunks()
        bad[n]![at]! ^= 1 << (at % 8)
        expect(() => live.restore(bad)).toThrow(SnapshotError)
        flips++
      }
    }
    expect(flips).toBeGreaterThan(100)
    expect(live.hash()).toBe(hash)
    live.restore(chunks())
    expect(live.hash()).not.toBe(hash)
  })
})
