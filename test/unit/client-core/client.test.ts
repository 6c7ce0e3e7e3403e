import { describe, expect, it } from 'vitest'
import { latin1Decode, latin1Encode } from '../../../src/base/latin1.js'
import {
  type ClientEffect,
  type ClientInput,
  type ClientOptions,
  newClient,
  OPENING,
} from '../../../src/client/core/state.js'
import { isIdle, stepClient } from '../../../src/client/core/step.js'

const bytes = latin1Encode
const text = latin1Decode

function client(options: Partial<ClientOptions> = {}) {
  const c = newClient({
    nodes: ['n1', 'n2', 'n3'],
    seed: 3,
    inflightMax: 4,
    queuedMax: 4,
    attemptTimeoutMs: 100,
    backoffMsMin: 10,
    backoffMsMax: 80,
    session: {
      openCommand: bytes('open'),
      idleMsMax: 60_000,
      opened: (answer) =>
        text(answer).startsWith('session ') ? Number(text(answer).slice(8)) : null,
      refused: (answer) =>
        text(answer) === 'expired'
          ? 'expired'
          : text(answer) === 'overloaded'
            ? 'overloaded'
            : null,
    },
    ...options,
  })
  const step = (input: ClientInput) => stepClient(c, input)
  return {
    c,
    step,
    tick: (now: number) => step({ type: 'Tick', now }),
    command: (id: number, deadline = 10_000) =>
      step({ type: 'Command', id, command: bytes(`c${id}`), deadline }),
    query: (id: number, deadline = 10_000) =>
      step({ type: 'Query', id, query: bytes(`q${id}`), deadline }),
    answer: (sent: ClientEffect | undefined, outcome: string) => {
      const { id, attempt } = sentOf(sent)
      return step({
        type: 'Reply',
        id,
        attempt,
        outcome: { type: 'Answer', bytes: bytes(outcome) },
      })
    },
    notLeader: (sent: ClientEffect | undefined, leader: string | null) => {
      const { id, attempt } = sentOf(sent)
      return step({ type: 'Reply', id, attempt, outcome: { type: 'NotLeader', leader } })
    },
    unclear: (sent: ClientEffect | undefined) => {
      const { id, attempt } = sentOf(sent)
      return step({
        type: 'Reply',
        id,
        attempt,
        outcome: { type: 'Indeterminate', reason: 'stepped down' },
      })
    },
  }
}

function sentOf(effect: ClientEffect | undefined) {
  if (effect?.type !== 'SendCommand' && effect?.type !== 'SendQuery') throw new Error('not a send')
  return effect
}

/** A client with session 9 whose command 1 is on its way. */
function withSession(options: Partial<ClientOptions> = {}) {
  const k = client(options)
  const [opening] = k.command(1)
  const sends = k.answer(opening, 'session 9')
  return { ...k, first: sends[0] }
}

const doneOf = (effects: readonly ClientEffect[]) => effects.filter((e) => e.type === 'Done')

describe('sessions', () => {
  it('are opened by the first command, which then goes out under its first seq', () => {
    const k = client()
    const [opening] = k.command(1)
    expect(opening).toMatchObject({
      type: 'SendCommand',
      id: OPENING,
      request: { session: 0, ackedThrough: 0, command: bytes('open') },
    })
    const sends = k.answer(opening, 'session 9')
    expect(sends).toMatchObject([
      { type: 'SendCommand', id: 1, request: { session: 9, seq: 1, ackedThrough: 0 } },
    ])
  })

  it('are asked for once, with another nonce at each attempt', () => {
    const k = client()
    const [first] = k.command(1)
    expect(k.command(2)).toEqual([])
    const again = [...k.tick(100), ...k.tick(300)]
    expect(again).toHaveLength(1)
    expect(sentOf(again[0])).toMatchObject({ id: OPENING })
    const nonce = (e: ClientEffect | undefined) => (e?.type === 'SendCommand' ? e.request.seq : 0)
    expect(nonce(again[0])).not.toBe(nonce(first))
  })

  it('acknowledge every ended seq up to the first that is open', () => {
    const k = withSession()
    const [second] = k.command(2)
    k.answer(second, 'x')
    expect(k.command(3)).toMatchObject([{ request: { seq: 3, ackedThrough: 0 } }])
    k.answer(k.first, 'x')
    expect(k.command(4)).toMatchObject([{ request: { seq: 4, ackedThrough: 2 } }])
  })

  it('are opened anew by the answer to a new opening only, not by an old one that comes again', () => {
    const k = client()
    const [first] = k.command(1)
    const [sent] = k.answer(first, 'session 9')
    k.answer(sent, 'expired')
    const [second] = k.command(2)
    expect(sentOf(second)).toMatchObject({ id: OPENING })
    expect(k.answer(first, 'session 9')).toEqual([])
    expect(k.c.session).not.toBe(9)
    expect(k.answer(second, 'session 12')).toMatchObject([{ request: { session: 12, seq: 1 } }])
  })

  it('that expired leave even what was sent once in doubt, and a new one is opened', () => {
    // A proxy that sends it twice: the first copy is executed, the second is refused and answered first.
    const k = withSession()
    expect(doneOf(k.answer(k.first, 'expired'))).toMatchObject([
      { outcome: { type: 'Indeterminate' } },
    ])
    expect(k.command(2)).toMatchObject([{ id: OPENING }])
  })

  it('are replaced before they can have idled away: half of the patience after they were last alive', () => {
    const k = withSession()
    k.tick(90)
    k.answer(k.first, 'x')
    k.tick(29_999)
    const [second] = k.command(2, 90_000)
    expect(second).toMatchObject({ id: 2, request: { session: 9, seq: 2 } })
    k.answer(second, 'x')
    // It counts from when it was sent.
    k.tick(59_999)
    const [opening] = k.command(3, 90_000)
    expect(opening).toMatchObject({ id: OPENING })
    expect(k.answer(opening, 'session 12')).toMatchObject([{ request: { session: 12, seq: 1 } }])
  })

  it('that expired after an attempt in doubt leave the command in doubt', () => {
    const k = withSession()
    k.unclear(k.first)
    const [retry] = k.tick(50)
    expect(doneOf(k.answer(retry, 'expired'))).toMatchObject([
      { outcome: { type: 'Indeterminate' } },
    ])
  })
})

describe('retries', () => {
  it('keep session and seq, whatever happened to the attempt before', () => {
    const k = withSession()
    k.unclear(k.first)
    const [second] = k.tick(50)
    expect(second).toMatchObject({ id: 1, request: { session: 9, seq: 1 } })
    k.tick(250) // no answer within the attempt's time
    const [third] = k.tick(350)
    expect(third).toMatchObject({ id: 1, request: { session: 9, seq: 1 } })
    expect(sentOf(third).attempt).not.toBe(sentOf(second).attempt)
  })

  it('wait longer for who does not answer, up to four times as long, and no longer for who refuses', () => {
    const k = withSession()
    const waited: number[] = []
    let sent = k.first
    for (let now = 0; waited.length < 5; now += 10) {
      const [next] = k.tick(now)
      if (next === undefined) continue
      waited.push(sentOf(sent).timeoutMs)
      sent = next
    }
    expect(waited).toEqual([100, 200, 400, 400, 400])
    const refused = withSession()
    refused.notLeader(refused.first, null)
    expect(sentOf(refused.tick(50)[0]).timeoutMs).toBe(100)
  })

  it('take an answer of any attempt, and only one', () => {
    const k = withSession()
    k.unclear(k.first)
    const [second] = k.tick(50)
    expect(doneOf(k.answer(k.first, 'late'))).toEqual([
      { type: 'Done', id: 1, outcome: { type: 'Answer', bytes: bytes('late') } },
    ])
    expect(k.answer(second, 'again')).toEqual([])
    expect(isIdle(k.c)).toBe(true)
  })

  it('follow a hint at once and back off from nodes that name each other', () => {
    const k = withSession()
    const asked = sentOf(k.first).to
    const hint = ['n1', 'n2', 'n3'].find((id) => id !== asked) ?? ''
    const [second] = k.notLeader(k.first, hint)
    expect(second).toMatchObject({ to: hint })
    const [third] = k.notLeader(second, asked)
    expect(third).toMatchObject({ to: asked })
    expect(k.notLeader(third, hint)).toEqual([])
  })

  it('without a hint go round the nodes', () => {
    const k = withSession()
    const asked = new Set<string>()
    let sent: ClientEffect | undefined = k.first
    for (let i = 1; i <= 3; i++) {
      asked.add(sentOf(sent).to)
      k.notLeader(sent, null)
      sent = k.tick(100 * i)[0]
    }
    expect(asked).toEqual(new Set(['n1', 'n2', 'n3']))
  })

  it('of what the machine refused for now go on', () => {
    const k = withSession()
    expect(doneOf(k.answer(k.first, 'overloaded'))).toEqual([])
    expect(k.tick(80)).toMatchObject([{ id: 1, request: { seq: 1 } }])
  })
})

describe('at the deadline', () => {
  it('a command that was refused by all it reached has failed', () => {
    const k = client()
    const [opening] = k.command(1, 120)
    const [first] = k.answer(opening, 'session 9')
    k.notLeader(first, null)
    const waiting = k.tick(3)
    expect(waiting).toEqual([])
    k.c.underWay.get(1)!.retryAt = 1_000
    expect(doneOf(k.tick(120))).toMatchObject([{ id: 1, outcome: { type: 'Failed' } }])
  })

  it('a command still under way is Indeterminate', () => {
    const k = client()
    const [opening] = k.command(1, 90)
    k.answer(opening, 'session 9')
    expect(doneOf(k.tick(90))).toMatchObject([{ id: 1, outcome: { type: 'Indeterminate' } }])
  })

  it('a command with one attempt in doubt is Indeterminate, though the last was refused', () => {
    const k = client()
    const [opening] = k.command(1, 120)
    const [first] = k.answer(opening, 'session 9')
    k.unclear(first)
    const [second] = k.tick(30)
    k.notLeader(second, null)
    k.c.underWay.get(1)!.retryAt = 1_000
    expect(doneOf(k.tick(120))).toMatchObject([{ outcome: { type: 'Indeterminate' } }])
  })

  it('a late refusal clears the doubt of the attempt it belongs to', () => {
    const k = client()
    const [opening] = k.command(1, 200)
    const [first] = k.answer(opening, 'session 9')
    k.tick(100) // given up
    k.notLeader(first, null)
    k.c.underWay.get(1)!.retryAt = 1_000
    expect(doneOf(k.tick(200))).toMatchObject([{ outcome: { type: 'Failed' } }])
  })

  it('a query has failed: it changed nothing', () => {
    const k = client()
    k.query(1, 50)
    expect(doneOf(k.tick(50))).toMatchObject([{ outcome: { type: 'Failed' } }])
  })

  it('what was given up is acknowledged, so that a copy that still travels is refused', () => {
    const k = client()
    const [opening] = k.command(1, 50)
    k.answer(opening, 'session 9')
    k.tick(50)
    expect(k.command(2)).toMatchObject([{ request: { seq: 2, ackedThrough: 1 } }])
  })
})

describe('bounds', () => {
  it('so many under way, so many waiting, the rest fails', () => {
    const k = withSession({ inflightMax: 2, queuedMax: 1 })
    expect(k.command(2)).toHaveLength(1)
    expect(k.command(3)).toEqual([])
    expect(k.command(4)).toMatchObject([{ type: 'Done', outcome: { type: 'Failed' } }])
    expect(k.answer(k.first, 'x')).toMatchObject([{ type: 'Done', id: 1 }, { id: 3 }])
  })
})
