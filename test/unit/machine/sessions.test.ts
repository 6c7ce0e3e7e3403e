import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Request } from '../../../src/consensus/contract.js'
import { type Answer, decodeAnswer, encodeAnswer } from '../../../src/machine/answers.js'
import { SessionMachine } from '../../../src/machine/machine.js'
import {
  SESSION_ANSWER_BYTES_MAX,
  SESSION_ANSWERS_MAX,
  SESSION_IDLE_MS_MAX,
  SESSIONS_MAX,
} from '../../../src/machine/sessions.js'
import { Counter } from './counter.js'
import { b } from './helpers.js'

function start() {
  const counter = new Counter()
  const machine = new SessionMachine(counter)
  let index = 0
  const apply = (requests: Request[], time = 0): Answer[] =>
    machine.applyEntry({ index: ++index, time, requests }).map((bytes) => {
      const answer = decodeAnswer(bytes)
      if (answer === null) throw new Error('no answer')
      return answer
    })
  const open = (time = 0): number => {
    const [answer] = apply([{ session: 0, seq: 99, ackedThrough: 0, command: b('') }], time)
    return answer?.type === 'SessionOpened' ? answer.session : -1
  }
  const ask = (session: number, seq: number, ackedThrough = 0, time = 0): string => {
    const [answer] = apply([{ session, seq, ackedThrough, command: b(`c${seq}`) }], time)
    return answer?.type === 'Ok' ? Buffer.from(answer.result).toString().trim() : `${answer?.type}`
  }
  return { counter, machine, apply, open, ask }
}

describe('ordered reads', () => {
  test('are answered at their place and leave no trace', () => {
    const { counter, machine, apply, open, ask } = start()
    const s = open()
    const read = { session: 0, seq: 5, ackedThrough: 0, command: b(''), readOnly: true }
    ask(s, 1)
    const before = machine.fullHash()
    const command = { session: s, seq: 2, ackedThrough: 0, command: b('x') }
    const answers = apply([read, read])
    expect(answers).toEqual([1, 1].map(() => ({ type: 'Ok', result: b('1') })))
    expect(machine.fullHash()).toBe(before)
    expect(machine.sessionCount).toBe(1)
    expect(apply([command, read]).at(-1)).toEqual({ type: 'Ok', result: b('2') })
    expect(counter.executed).toHaveLength(2)
  })
})

describe('exactly once', () => {
  test('a session id is the ordinal position of the request that opened it, and is not used again', () => {
    const { open, ask } = start()
    expect(open()).toBe(1)
    expect(ask(1, 1)).toBe('1')
    expect(ask(7, 1)).toBe('SessionExpired')
    expect(open()).toBe(4)
  })

  test('a known seq is answered with the stored answer', () => {
    const { counter, machine, open, ask } = start()
    const s = open()
    expect(ask(s, 1)).toBe('1')
    expect(ask(s, 1)).toBe('1')
    expect(counter.count).toBe(1)
    expect(decodeAnswer(machine.storedAnswer(s, 1)!)).toEqual({ type: 'Ok', result: b('1') })
    expect(machine.storedAnswer(s, 2)).toBeNull()
  })

  test('pipelining: 1 to 5 die with a leader, 6 to 10 execute, the retries of 1 to 5 execute once', () => {
    const { counter, open, ask } = start()
    const s = open()
    for (let seq = 6; seq <= 10; seq++) expect(ask(s, seq)).toBe(String(seq - 5))
    for (let seq = 1; seq <= 5; seq++) expect(ask(s, seq)).toBe(String(seq + 5))
    for (let seq = 1; seq <= 10; seq++) ask(s, seq)
    expect(counter.count).toBe(10)
    expect(counter.executed).toEqual(['c6', 'c7', 'c8', 'c9', 'c10', 'c1', 'c2', 'c3', 'c4', 'c5'])
  })

  test('the same request twice in one entry is executed once', () => {
    const { counter, apply, open } = start()
    const s = open()
    const request = { session: s, seq: 1, ackedThrough: 0, command: b('c') }
    const answers = apply([request, request])
    expect(answers[0]).toEqual(answers[1])
    expect(counter.count).toBe(1)
  })

  test('with another payload under the same seq the first executed wins', () => {
    const { counter, apply, open } = start()
    const s = open()
    apply([{ session: s, seq: 1, ackedThrough: 0, command: b('first') }])
    apply([{ session: s, seq: 1, ackedThrough: 0, command: b('second') }])
    expect(counter.executed).toEqual(['first'])
  })

  test('what is acknowledged is forgotten, and never executed again', () => {
    const { counter, machine, open, ask } = start()
    const s = open()
    for (let seq = 1; seq <= 5; seq++) ask(s, seq)
    expect(ask(s, 6, 3)).toBe('6')
    expect(machine.storedAnswer(s, 3)).toBeNull()
    expect(machine.storedAnswer(s, 4)).not.toBeNull()
    expect(ask(s, 3)).toBe('SessionExpired')
    expect(ask(s, 2, 0)).toBe('SessionExpired')
    expect(ask(s, 4, 0)).toBe('4')
    expect(counter.count).toBe(6)
  })

  test('an acknowledgement may skip far ahead', () => {
    const { counter, machine, open, ask } = start()
    const s = open()
    ask(s, 1)
    ask(s, 2)
    expect(ask(s, 2 ** 52 + 1, 2 ** 52)).toBe('3')
    expect(machine.storedAnswer(s, 1)).toBeNull()
    expect(ask(s, 2 ** 52)).toBe('SessionExpired')
    expect(counter.count).toBe(3)
  })

  test('at 1,024 unacknowledged answers: Overloaded, not executed, and executed after an acknowledgement', () => {
    const { counter, open, ask } = start()
    const s = open()
    for (let seq = 1; seq <= SESSION_ANSWERS_MAX; seq++) expect(ask(s, seq)).toBe(String(seq))
    expect(ask(s, 1025)).toBe('Overloaded')
    expect(counter.count).toBe(SESSION_ANSWERS_MAX)
    expect(ask(s, 5)).toBe('5')
    expect(ask(s, 1025, 1)).toBe('1025')
    expect(ask(s, 1026, 1)).toBe('Overloaded')
  })

  test('a session that hoards bytes of answers is Overloaded', () => {
    const { counter, open, ask } = start()
    const s = open()
    const other = open()
    counter.padding = SESSION_ANSWER_BYTES_MAX / 4
    for (let seq = 1; seq <= 4; seq++) expect(ask(s, seq)).toBe(String(seq))
    expect(ask(s, 5)).toBe('Overloaded')
    expect(ask(other, 1)).toBe('5')
    expect(ask(s, 5, 1)).toBe('6')
  })
})

describe('expiry', () => {
  test('an idle session expires by agreed time alone, at ten minutes', () => {
    const { counter, machine, open, ask } = start()
    const s = open(1000)
    expect(ask(s, 1, 0, 2000)).toBe('1')
    expect(ask(s, 2, 0, 2000 + SESSION_IDLE_MS_MAX - 1)).toBe('2')
    expect(ask(s, 3, 0, 2000 + 2 * SESSION_IDLE_MS_MAX - 1)).toBe('SessionExpired')
    expect(counter.count).toBe(2)
    expect(machine.sessionCount).toBe(0)
  })

  test('duplicates and Overloaded requests count as activity', () => {
    const { open, ask } = start()
    const s = open(0)
    const half = SESSION_IDLE_MS_MAX / 2
    for (let i = 1; i < 6; i++) expect(ask(s, 1, 0, i * half)).toBe('1')
  })

  test('time moves only forward', () => {
    const { machine, open, ask } = start()
    const s = open(5000)
    ask(s, 1, 0, 3000)
    expect(machine.time).toBe(5000)
    expect(ask(s, 2, 0, 4000 + SESSION_IDLE_MS_MAX)).toBe('2')
  })

  test('an entry without requests moves the time and expires', () => {
    const { machine, apply, open } = start()
    open(0)
    apply([], SESSION_IDLE_MS_MAX)
    expect(machine.sessionCount).toBe(0)
  })

  test('one session too many: the one that has been silent longest goes', () => {
    const { machine, open, ask } = start()
    const first = open()
    const second = open()
    for (let i = 2; i < SESSIONS_MAX; i++) open()
    expect(ask(first, 1)).toBe('1')
    open()
    expect(machine.sessionCount).toBe(SESSIONS_MAX)
    expect(ask(second, 1)).toBe('SessionExpired')
    expect(ask(first, 2)).toBe('2')
  })
})

describe('entries', () => {
  test('an entry that was applied is not applied again: it gives the stored answers', () => {
    const { counter, machine, open, ask } = start()
    const s = open()
    ask(s, 1)
    const request = { session: s, seq: 1, ackedThrough: 0, command: b('c') }
    const again = machine.applyEntry({
      index: 2,
      time: 0,
      requests: [request, { ...request, seq: 2 }],
    })
    expect(again.map(decodeAnswer)).toEqual([{ type: 'Ok', result: b('1') }, null])
    expect(counter.count).toBe(1)
    expect(machine.appliedIndex).toBe(2)
  })

  test('a gap is a bug of the caller', () => {
    const { machine } = start()
    expect(() => machine.applyEntry({ index: 2, time: 0, requests: [] })).toThrow(/out of order/)
  })
})

describe('answers', () => {
  test('are decoded as they were encoded', () => {
    const answers: Answer[] = [
      { type: 'Ok', result: b('') },
      { type: 'Ok', result: b('\x04x') },
      { type: 'SessionOpened', session: 1 },
      { type: 'SessionOpened', session: Number.MAX_SAFE_INTEGER },
      { type: 'SessionExpired' },
      { type: 'Overloaded' },
    ]
    expect(answers.map((answer) => decodeAnswer(encodeAnswer(answer)))).toEqual(answers)
  })

  test('garbage is null, never an exception', () => {
    for (const bytes of [
      '',
      '\0',
      '\x02',
      '\x02\xff',
      '\x02\x00',
      '\x02\x01x',
      '\x03x',
      '\x04x',
      '\x05',
    ])
      expect(decodeAnswer(b(bytes))).toBeNull()
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeAnswer(bytes)))
  })
})
