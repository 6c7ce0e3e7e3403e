/** Sessions of clients that sign: whose they are, and what nobody else can do to them. */
import { describe, expect, it } from 'vitest'
import { makeAuth } from '../../../src/consensus/auth.js'
import type { Request } from '../../../src/consensus/contract.js'
import { decodeAnswer } from '../../../src/machine/answers.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import { OWNER_SESSIONS_MAX } from '../../../src/machine/sessions.js'
import { Counter } from './counter.js'

const ALICE = makeAuth(new Uint8Array(32).fill(1), new Uint8Array(10))
const BOB = makeAuth(new Uint8Array(32).fill(2), new Uint8Array(10))

interface Bench {
  readonly machine: SessionMachine
  readonly counter: Counter
}

function bench(): Bench {
  const counter = new Counter()
  return { machine: new SessionMachine(counter), counter }
}

function run({ machine }: Bench, request: Partial<Request>) {
  const whole = { session: 0, seq: 1, ackedThrough: 0, command: new Uint8Array(0), ...request }
  const entry = { index: machine.appliedIndex + 1, time: 1_000, requests: [whole] }
  return decodeAnswer(machine.applyEntry(entry)[0]!)
}

function open(b: Bench, auth: Uint8Array, seq = 1): number {
  const answer = run(b, { auth, seq })
  if (answer?.type !== 'SessionOpened') throw new Error('no session')
  return answer.session
}

describe('sessions of clients that sign', () => {
  it("another's key uses up no seq and hears no answer", () => {
    const b = bench()
    const session = open(b, ALICE)
    expect(run(b, { session, seq: 1, auth: BOB })?.type).toBe('SessionExpired')
    expect(run(b, { session, seq: 1 })?.type).toBe('SessionExpired')
    expect(b.counter.count).toBe(0)
    expect(run(b, { session, seq: 1, auth: ALICE })?.type).toBe('Ok')
    expect(run(b, { session, seq: 1, auth: BOB })?.type).toBe('SessionExpired')
    expect(b.counter.count).toBe(1)
  })

  it('nor acknowledges what its owner has not heard', () => {
    const b = bench()
    const session = open(b, ALICE)
    const first = run(b, { session, seq: 1, auth: ALICE })
    run(b, { session, seq: 9, ackedThrough: 8, auth: BOB })
    expect(run(b, { session, seq: 1, auth: ALICE })).toEqual(first)
  })

  it('a signature opens nothing that was opened without one', () => {
    const b = bench()
    const session = open(b, new Uint8Array(0))
    expect(run(b, { session, seq: 1, auth: ALICE })?.type).toBe('SessionExpired')
    expect(run(b, { session, seq: 1 })?.type).toBe('Ok')
  })

  it('an opening said again opens no second session; another nonce or key does', () => {
    const b = bench()
    const session = open(b, ALICE, 77)
    for (let i = 0; i < OWNER_SESSIONS_MAX; i++) expect(open(b, ALICE, 77)).toBe(session)
    expect(b.machine.sessionCount).toBe(1)
    expect(open(b, BOB, 77)).not.toBe(session)
    expect(open(b, ALICE, 78)).not.toBe(session)
  })

  it('one session too many costs its owner its most silent one, and nobody else anything', () => {
    const b = bench()
    const first = open(b, ALICE, 1)
    const bobs = open(b, BOB, 1)
    const second = open(b, ALICE, 2)
    run(b, { session: first, seq: 1, auth: ALICE })
    for (let seq = 3; seq <= OWNER_SESSIONS_MAX + 1; seq++) open(b, ALICE, seq)
    expect(b.machine.sessionCount).toBe(OWNER_SESSIONS_MAX + 1)
    expect(run(b, { session: second, seq: 1, auth: ALICE })?.type).toBe('SessionExpired')
    expect(run(b, { session: first, seq: 2, auth: ALICE })?.type).toBe('Ok')
    expect(run(b, { session: bobs, seq: 1, auth: BOB })?.type).toBe('Ok')
  })

  it('a snapshot keeps owners and nonces', () => {
    const b = bench()
    const alices = open(b, ALICE, 5)
    run(b, { session: alices, seq: 1, auth: ALICE })
    const bobs = open(b, BOB, 6)
    open(b, new Uint8Array(0), 7)
    const restored = bench()
    restored.machine.restore([...b.machine.snapshot()])
    expect(restored.machine.fullHash()).toBe(b.machine.fullHash())
    expect(open(restored, ALICE, 5)).toBe(alices)
    expect(run(restored, { session: bobs, seq: 1, auth: ALICE })?.type).toBe('SessionExpired')
    expect(run(restored, { session: bobs, seq: 1, auth: BOB })?.type).toBe('Ok')
  })

  it('whose a session is, is part of the state', () => {
    const [a, b] = [bench(), bench()]
    open(a, ALICE)
    open(b, BOB)
    expect(a.machine.fullHash()).not.toBe(b.machine.fullHash())
  })
})
