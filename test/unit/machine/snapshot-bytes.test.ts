/**
 * PBFT: W replicas vouch for one digest of a snapshot, so its bytes must follow from what was executed and from nothing
 * else: not from when a replica restored, took snapshots itself, was asked for hashes, or collected what is old.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../../src/consensus/contract.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { commands } from './arbitrary.js'
import { b } from './helpers.js'

const RUNS = process.env.QUORATE_TESTS === 'all' ? 1_000 : 120

const entries = fc
  .array(
    fc.record({
      elapsed: fc.constantFrom(0, 1, 10, 3_000, 400_000),
      requests: fc.array(
        fc.record({
          // 0 opens one.
          session: fc.integer({ min: 0, max: 5 }),
          seq: fc.integer({ min: 1, max: 12 }),
          ackedThrough: fc.integer({ min: 0, max: 6 }),
          command: fc.oneof({ weight: 6, arbitrary: commands }, fc.constant(b('garbage'))),
        }),
        { maxLength: 4 },
      ),
    }),
    { minLength: 5, maxLength: 40, size: 'max' },
  )
  .map((list) => {
    let time = 0
    return list.map(({ elapsed, requests: asked }, i): Entry => {
      time += elapsed
      return { index: i + 1, time, requests: asked }
    })
  })

const doings = fc.array(
  fc.constantFrom(
    'nothing',
    'restore',
    'view',
    'begin a view',
    'end views',
    'hash',
    'full hash',
    'collect',
  ),
  { minLength: 40, maxLength: 40 },
)

const whole = (machine: SessionMachine): Uint8Array =>
  new Uint8Array(Buffer.concat([...machine.snapshot()]))

test('a snapshot has the same bytes on every replica, whatever else happened there', () => {
  let compared = 0
  fc.assert(
    fc.property(entries, doings, (list, did) => {
      const plain = new SessionMachine(new KvMachine())
      let kv = new KvMachine()
      let other = new SessionMachine(kv)
      let views: Iterator<Uint8Array>[] = []
      for (const [i, entry] of list.entries()) {
        expect(other.applyEntry(entry)).toEqual(plain.applyEntry(entry))
        switch (did[i]) {
          case 'restore': {
            const bytes = whole(other)
            kv = new KvMachine()
            other = new SessionMachine(kv)
            other.restore([bytes])
            views = []
            break
          }
          case 'view':
            whole(other)
            break
          case 'begin a view': {
            const view = other.snapshot()[Symbol.iterator]()
            view.next()
            if (views.length < 2) views.push(view)
            else view.return?.()
            break
          }
          case 'end views':
            for (const view of views) view.return?.()
            views = []
            break
          case 'hash':
            other.hash()
            break
          case 'full hash':
            other.fullHash()
            break
          case 'collect':
            kv.collect(3)
            break
          default:
        }
        if (i % 5 !== 4) continue
        compared++
        expect(Buffer.compare(whole(other), whole(plain))).toBe(0)
      }
    }),
    { numRuns: RUNS },
  )
  expect(compared).toBeGreaterThan(RUNS)
})
