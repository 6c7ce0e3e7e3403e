/** A client that believes f+1: what one liar of four, or two of seven, can and cannot make it believe. */
import { describe, expect, it } from 'vitest'
import {
  newPbftClient,
  type PbftClientEffect,
  type PbftClientInput,
  type PbftClientOptions,
} from '../../../src/client/core/pbft-state.js'
import { believedPrimary, stepPbftClient } from '../../../src/client/core/pbft-step.js'
import type { Request } from '../../../src/consensus/contract.js'
import { decodeAnswer, encodeAnswer, encodeOk } from '../../../src/machine/answers.js'

const text = (s: string) => new TextEncoder().encode(s)
const show = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

class Bench {
  readonly client
  readonly sent: { to: string | null; request: Request }[] = []
  readonly done = new Map<number, { type: string; text: string }>()
  forgotten = 0
  now = 1_000

  constructor(n = 4, extra: Partial<PbftClientOptions> = {}) {
    this.client = newPbftClient({
      replicas: Array.from({ length: n }, (_, i) => `n${n - i}`),
      seed: 7,
      inflightMax: 512,
      queuedMax: 100,
      primaryMs: 500,
      againMsMin: 500,
      againMsMax: 2_000,
      session: {
        openCommand: new Uint8Array(0),
        idleMsMax: 60_000,
        opened: (bytes) => {
          const answer = decodeAnswer(bytes)
          return answer?.type === 'SessionOpened' ? answer.session : null
        },
        refused: (bytes) => {
          const type = decodeAnswer(bytes)?.type
          return type === 'SessionExpired' ? 'expired' : type === 'Overloaded' ? 'overloaded' : null
        },
      },
      ...extra,
    })
    this.feed({ type: 'Tick', now: this.now })
  }

  feed(input: PbftClientInput): PbftClientEffect[] {
    const effects = stepPbftClient(this.client, input)
    for (const effect of effects) {
      if (effect.type === 'Send') this.sent.push(effect)
      if (effect.type === 'Forget') this.forgotten++
      if (effect.type !== 'Done') continue
      expect(this.done.has(effect.id)).toBe(false)
      const { outcome } = effect
      const said = 'bytes' in outcome ? show(outcome.bytes.subarray(1)) : outcome.reason
      this.done.set(effect.id, { type: outcome.type, text: said })
    }
    return effects
  }

  later(ms: number): void {
    this.now += ms
    this.feed({ type: 'Tick', now: this.now })
  }

  command(id: number, payload = `c${id}`, ms = 60_000): Request {
    const input = { id, payload: text(payload), deadline: this.now + ms }
    this.feed({ type: 'Command', ...input })
    return this.sent.at(-1)!.request
  }

  reply(replica: string, of: { session: number; seq: number }, answer: Uint8Array, view = 0): void {
    this.feed({ type: 'Reply', replica, view, session: of.session, seq: of.seq, answer })
  }

  ok(replica: string, of: { session: number; seq: number }, result: string, view = 0): void {
    this.reply(replica, of, encodeOk(text(result)), view)
  }

  /** With a session: the first command is on its way. */
  opened(session = 5): this {
    this.command(1, 'c1')
    const { request } = this.sent[0]!
    expect(request.session).toBe(0)
    const answer = encodeAnswer({ type: 'SessionOpened', session })
    for (let i = 1; i <= this.client.faultyMax + 1; i++) this.reply(`n${i}`, request, answer)
    return this
  }

  get last(): { to: string | null; request: Request } {
    return this.sent.at(-1)!
  }
}

describe('what is believed', () => {
  it('f+1 replicas that say the same, and not one fewer', () => {
    const b = new Bench().opened()
    const { request } = b.last
    b.ok('n2', request, 'yes')
    expect(b.done.size).toBe(0)
    b.ok('n3', request, 'yes')
    expect(b.done.get(1)).toEqual({ type: 'Answer', text: 'yes' })
    const seven = new Bench(7).opened()
    for (const id of ['n1', 'n2']) seven.ok(id, seven.last.request, 'yes')
    expect(seven.done.size).toBe(0)
    seven.ok('n7', seven.last.request, 'yes')
    expect(seven.done.size).toBe(1)
  })

  it('2: one replica that says it often is still one', () => {
    const b = new Bench().opened()
    for (let i = 0; i < 10; i++) b.ok('n4', b.last.request, 'lie')
    expect(b.done.size).toBe(0)
  })

  it('a replica that nobody configured has no voice, under however many names', () => {
    const b = new Bench().opened()
    for (const id of ['n5', 'n6', 'N1', '']) b.ok(id, b.last.request, 'lie', 9)
    expect(b.done.size).toBe(0)
    expect(believedPrimary(b.client)).toBe('n1')
  })

  it('a wrong result is outvoted, whether it comes first or last or in between', () => {
    for (const order of [
      ['n4', 'n1', 'n2'],
      ['n1', 'n4', 'n2'],
    ]) {
      const b = new Bench().opened()
      const { request } = b.last
      for (const id of order) b.ok(id, request, id === 'n4' ? 'lie' : 'truth')
      expect(b.done.get(1)).toEqual({ type: 'Answer', text: 'truth' })
      b.ok('n4', request, 'lie')
      expect(b.done.size).toBe(1)
    }
  })

  it('a liar that changes its mind has one vote at a time', () => {
    const b = new Bench().opened()
    const { request } = b.last
    b.ok('n4', request, 'a')
    b.ok('n4', request, 'b')
    b.ok('n1', request, 'a')
    expect(b.done.size).toBe(0)
    b.ok('n2', request, 'a')
    expect(b.done.get(1)).toEqual({ type: 'Answer', text: 'a' })
  })

  it('an old reply counts for the old request alone', () => {
    const b = new Bench().opened()
    const first = b.last.request
    for (const id of ['n1', 'n2']) b.ok(id, first, 'one')
    const second = b.command(2)
    expect(second.seq).not.toBe(first.seq)
    for (const id of ['n1', 'n2', 'n3']) b.ok(id, first, 'one')
    for (const id of ['n1', 'n2', 'n3']) b.ok(id, { session: 4, seq: second.seq }, 'one')
    expect(b.done.has(2)).toBe(false)
    for (const id of ['n1', 'n2']) b.ok(id, second, 'two')
    expect(b.done.get(2)).toEqual({ type: 'Answer', text: 'two' })
  })

  it('a session is opened only by f+1, too', () => {
    const b = new Bench()
    b.command(1)
    const { request } = b.last
    b.reply('n4', request, encodeAnswer({ type: 'SessionOpened', session: 99 }))
    expect(b.sent).toHaveLength(1)
    for (const id of ['n2', 'n1'])
      b.reply(id, request, encodeAnswer({ type: 'SessionOpened', session: 5 }))
    expect(b.last.request).toMatchObject({ session: 5, seq: 1 })
  })
})

describe('whom it asks', () => {
  it('everybody about the session; then the primary, and everybody once its time is over', () => {
    const b = new Bench().opened()
    expect(b.sent.map(({ to }) => to)).toEqual([null, 'n1'])
    b.later(499)
    expect(b.sent).toHaveLength(2)
    b.later(1)
    expect(b.last.to).toBeNull()
    const before = b.sent.length
    b.later(500)
    b.later(1_000)
    b.later(2_000)
    b.later(1_999)
    expect(b.sent.length - before).toBe(3)
    // The same bytes each time, or what one signs twice could be executed twice.
    const asked = b.sent.slice(1).map(({ request }) => request)
    for (const request of asked) expect(request).toBe(asked[0])
  })

  it('who has less time than the primary gets asks everybody when half of it is over', () => {
    const b = new Bench(4, { primaryMs: 5_000 }).opened()
    b.command(2, 'hurried', 800)
    expect(b.last.to).toBe('n1')
    b.later(399)
    expect(b.last.to).toBe('n1')
    b.later(1)
    expect(b.last.to).toBeNull()
    expect(show(b.last.request.command)).toBe('hurried')
  })

  it('a refusal, which may be a lie, makes it ask everybody sooner, and nothing else', () => {
    const b = new Bench(4, { primaryMs: 5_000 }).opened()
    const { session, seq } = b.last.request
    b.feed({ type: 'Refused', session, seq, told: true })
    b.later(500)
    expect(b.last.to).toBeNull()
    expect(b.done.size).toBe(0)
  })

  it('follows the view of f+1 replicas, and no liar to a view of its own', () => {
    const b = new Bench().opened()
    b.ok('n4', b.last.request, 'lie', 1_000_001)
    expect(believedPrimary(b.client)).toBe('n1')
    b.ok('n2', b.last.request, 'yes', 2)
    expect(believedPrimary(b.client)).toBe('n3')
    b.ok('n3', b.last.request, 'yes', 6)
    expect(believedPrimary(b.client)).toBe('n3')
    b.command(2)
    expect(b.last.to).toBe('n3')
    // An old view, said again, leads nowhere.
    b.ok('n2', b.last.request, 'x', 0)
    expect(believedPrimary(b.client)).toBe('n3')
  })

  it('queries are ordered: read-only requests under a number of their own', () => {
    const b = new Bench().opened()
    for (const id of ['n1', 'n2']) b.ok(id, b.last.request, 'done')
    b.feed({ type: 'Query', id: 2, payload: text('q'), deadline: b.now + 1_000 })
    const { request } = b.last
    expect(request).toMatchObject({ readOnly: true, session: 5, seq: 2, ackedThrough: 1 })
    b.ok('n4', request, 'old')
    b.ok('n1', request, 'new')
    b.ok('n2', request, 'new')
    expect(b.done.get(2)).toEqual({ type: 'Answer', text: 'new' })
  })
})

describe('how it ends', () => {
  it('silent replicas: of a command nothing is known, a query just failed', () => {
    const b = new Bench().opened()
    b.feed({ type: 'Query', id: 2, payload: text('q'), deadline: b.now + 60_000 })
    b.later(60_000)
    expect(b.done.get(1)?.type).toBe('Indeterminate')
    expect(b.done.get(2)?.type).toBe('Failed')
  })

  it('what nobody was told is not executed; one that may have been told makes it unknown', () => {
    const b = new Bench().opened()
    const { session, seq } = b.last.request
    b.feed({ type: 'Refused', session, seq, told: false })
    const second = b.command(2)
    b.feed({ type: 'Refused', session, seq: second.seq, told: false })
    b.later(500)
    expect(b.last.to).toBeNull()
    b.feed({ type: 'Refused', session, seq, told: false })
    b.later(60_000)
    expect(b.done.get(1)?.type).toBe('Failed')
    expect(b.done.get(2)?.type).toBe('Indeterminate')
  })

  it('refusals of all replicas prove nothing', () => {
    const b = new Bench().opened()
    const { session, seq } = b.last.request
    for (let i = 0; i < 4; i++) b.feed({ type: 'Refused', session, seq, told: true })
    b.later(60_000)
    expect(b.done.get(1)?.type).toBe('Indeterminate')
  })

  it('a full session is no end: the next attempt may find room', () => {
    const b = new Bench().opened()
    const { request } = b.last
    for (const id of ['n1', 'n2']) b.reply(id, request, encodeAnswer({ type: 'Overloaded' }))
    expect(b.done.size).toBe(0)
    b.later(500)
    expect(b.last.request).toBe(request)
    for (const id of ['n1', 'n2']) b.ok(id, request, 'yes')
    expect(b.done.get(1)).toEqual({ type: 'Answer', text: 'yes' })
  })

  it('an expired session: f+1 say so, and nobody knows, for it may have been ordered twice', () => {
    for (const twice of [false, true]) {
      const b = new Bench().opened()
      const { request } = b.last
      if (twice) b.later(500)
      const expired = encodeAnswer({ type: 'SessionExpired' })
      b.reply('n4', request, expired)
      expect(b.done.size).toBe(0)
      b.reply('n1', request, expired)
      expect(b.done.get(1)?.type).toBe('Indeterminate')
      b.command(2)
      expect(b.last.request.session).toBe(0)
    }
  })

  it('a session is replaced before it can have idled away: half of the patience after it was last alive', () => {
    const b = new Bench().opened()
    const { request } = b.last
    for (const id of ['n1', 'n2']) b.ok(id, request, 'yes')
    b.later(29_999)
    expect(b.command(2).session).toBe(request.session)
    b.later(100)
    for (const id of ['n1', 'n2']) b.ok(id, b.last.request, 'yes')
    // It counts from when it was sent.
    b.later(29_900)
    expect(b.command(3).session).toBe(0)
  })

  it('queries do not keep a session alive: they leave no trace in it', () => {
    const b = new Bench().opened()
    for (const id of ['n1', 'n2']) b.ok(id, b.last.request, 'yes')
    b.later(29_000)
    b.feed({ type: 'Query', id: 2, payload: text('q'), deadline: b.now + 5_000 })
    for (const id of ['n1', 'n2']) b.ok(id, b.last.request, 'read')
    expect(b.done.get(2)).toEqual({ type: 'Answer', text: 'read' })
    b.later(1_000)
    expect(b.command(3).session).toBe(0)
  })

  it('acknowledges only what ended, without gaps; forgets all that ended', () => {
    const b = new Bench().opened()
    const requests = [b.last.request, b.command(2), b.command(3)]
    for (const id of ['n1', 'n2']) b.ok(id, requests[2]!, 'three')
    expect(b.command(4).ackedThrough).toBe(0)
    for (const id of ['n1', 'n2']) b.ok(id, requests[0]!, 'one')
    expect(b.command(5).ackedThrough).toBe(1)
    for (const id of ['n1', 'n2']) b.ok(id, requests[1]!, 'two')
    expect(b.command(6).ackedThrough).toBe(3)
    // The opening, and the three.
    expect(b.forgotten).toBe(4)
    expect(b.client.byNumber.size).toBe(3)
  })

  it('more than waits is refused at once', () => {
    const b = new Bench(4, { queuedMax: 2 })
    for (const id of [1, 2, 3]) b.command(id)
    expect(b.done.get(3)).toEqual({ type: 'Failed', text: 'too many operations wait' })
    expect(b.done.size).toBe(1)
  })
})
