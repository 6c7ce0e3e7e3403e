import { describe, expect, it } from 'vitest'
import type { SubmitOutcome } from '../../../src/driver/outcomes.js'
import { bytes, harness, request, SNAPSHOT, send, text } from './scripted.js'

describe('the gate', () => {
  it('holds a durable send until every batch emitted before it is on disk', () => {
    const h = harness()
    h.core.on('Tick', () => [
      { type: 'Persist', batch: 1, records: ['a'] },
      send('n2', 'held', 'durable'),
      send('n2', 'at once', 'none'),
    ])
    h.driver.tick(0)
    h.run()
    expect(h.log).toEqual(['append 1 a last=1 state of term 1', 'send n2 at once', 'sync'])
    h.synced()
    expect(h.log.at(-1)).toBe('send n2 held')
    h.run()
    expect(h.core.inputs.at(-1)).toEqual({ type: 'Persisted', batch: 1 })
  })

  it('a sync vouches only for what was appended before it was issued', () => {
    const h = harness()
    let batch = 0
    h.core.on('Tick', () => [
      { type: 'Persist', batch: ++batch, records: [`r${batch}`] },
      send('n2', `m${batch}`, 'durable'),
    ])
    h.driver.tick(0)
    h.run()
    h.driver.tick(20)
    h.run()
    h.synced()
    expect(h.log.filter((line) => line.startsWith('send'))).toEqual(['send n2 m1'])
    h.run() // the turn with Persisted starts the next sync
    expect(h.log.filter((line) => line === 'sync')).toHaveLength(2)
    h.synced()
    h.run()
    expect(h.log.filter((line) => line.startsWith('send'))).toEqual(['send n2 m1', 'send n2 m2'])
    expect(h.core.inputs.filter((input) => input.type === 'Persisted')).toEqual([
      { type: 'Persisted', batch: 1 },
      { type: 'Persisted', batch: 2 },
    ])
  })

  it('a lazy batch alone is no reason for a sync, until a tick', () => {
    const h = harness()
    h.core.on('Read', () => [{ type: 'Persist', batch: 1, records: ['a'], lazy: true }])
    h.driver.read({ deadline: 1_000, forward: false }, () => {})
    h.run()
    expect(h.log).toEqual(['append 1 a last=1 state of term 1'])
    h.driver.tick(0)
    h.run()
    expect(h.log.at(-1)).toBe('sync')
    h.synced()
    h.run()
    expect(h.core.inputs.at(-1)).toEqual({ type: 'Persisted', batch: 1 })
  })

  it('a durable send behind a lazy batch, and the next batch, take it to disk at once', () => {
    for (const next of [
      send('n2', 'held', 'durable'),
      { type: 'Release', through: 9 } as const,
      { type: 'Persist', batch: 2, records: ['b'] } as const,
    ]) {
      const h = harness()
      let reads = 0
      h.core.on('Read', () =>
        ++reads === 1 ? [{ type: 'Persist', batch: 1, records: ['a'], lazy: true }] : [next],
      )
      for (let i = 0; i < 2; i++) {
        expect(h.log).not.toContain('sync')
        h.driver.read({ deadline: 1_000, forward: false }, () => {})
        h.run()
      }
      expect(h.log.at(-1)).toBe('sync')
      expect(h.log).not.toContain('send n2 held')
      h.synced()
      h.run()
      expect(h.driver.status().unsyncedBatches).toBe(0)
    }
  })

  it('a durable send with nothing unsynced before it leaves at once', () => {
    const h = harness()
    h.core.on('Tick', () => [send('n2', 'now', 'durable')])
    h.driver.tick(0)
    h.run()
    expect(h.log).toEqual(['send n2 now'])
  })

  it('holds Release as it holds a durable send, and keeps the order of the held', () => {
    const h = harness()
    h.core.on('Tick', () => [
      { type: 'Persist', batch: 1, records: ['a'] },
      send('n2', 'first', 'durable'),
      { type: 'Release', through: 9 },
      send('n3', 'second', 'durable'),
    ])
    h.driver.tick(0)
    h.run()
    const before = h.log.length
    h.synced()
    expect(h.log.slice(before)).toEqual(['send n2 first', 'release 9', 'send n3 second'])
  })

  it('keeps the numbering of the WAL across starts', () => {
    const h = harness({ lastBatch: 40 })
    h.core.on('Tick', () => [{ type: 'Persist', batch: 1, records: ['a'] }])
    h.driver.tick(0)
    h.run()
    expect(h.log[0]).toBe('append 41 a last=1 state of term 1')
    h.synced()
    h.run()
    expect(h.core.inputs.at(-1)).toEqual({ type: 'Persisted', batch: 1 })
  })

  it('lets nothing out after stop, not even what a sync would free', () => {
    const h = harness()
    h.core.on('Tick', () => [
      { type: 'Persist', batch: 1, records: ['a'] },
      send('n2', 'held', 'durable'),
    ])
    h.driver.tick(0)
    h.run()
    const before = h.log.length
    h.driver.stop()
    h.synced()
    h.driver.tick(20)
    h.driver.receive('n2', bytes('x'))
    h.run()
    expect(h.log).toHaveLength(before)
  })

  it('stops when the core finds an impossible state', () => {
    const h = harness()
    h.core.on('Tick', () => {
      throw new Error('impossible')
    })
    h.driver.tick(0)
    expect(() => h.run()).toThrow('impossible')
    h.driver.tick(20)
    h.run()
    expect(h.core.types()).toEqual(['Tick'])
  })
})

describe('turns', () => {
  it('the clock goes first, then completions, messages, proposals as one, reads as one', () => {
    const h = harness()
    const ignore = () => {}
    h.driver.read({ deadline: 1e9 }, ignore)
    h.driver.submit(request(1, 1), { deadline: 1e9 }, ignore)
    h.driver.receive('n2', bytes('m1'))
    h.driver.receive('n3', bytes('m2'))
    h.driver.submit(request(1, 2), { deadline: 1e9 }, ignore)
    h.driver.read({ deadline: 1e9 }, ignore)
    h.driver.transferLeadership('n2')
    h.nextDeadline = 55
    h.driver.tick(3)
    h.run()
    expect(h.core.types()).toEqual([
      'Tick',
      'TransferLeadership',
      'Receive',
      'Receive',
      'Propose',
      'Read',
    ])
    expect(h.core.inputs[0]).toEqual({ type: 'Tick', now: 3, nextDeadline: 55 })
    expect(h.core.inputs[4]).toMatchObject({ requests: [{ seq: 1 }, { seq: 2 }] })
  })

  it('takes a bounded number of messages a turn and syncs between them', () => {
    const h = harness({ limits: { turnMessagesMax: 2 } })
    let batch = 0
    h.core.on('Receive', (input) => [
      { type: 'Persist', batch: ++batch, records: [input.message.text] },
    ])
    for (let i = 1; i <= 5; i++) h.driver.receive('n2', bytes(`m${i}`))
    h.run()
    expect(h.log.map((line) => line.split(' ')[0])).toEqual([
      'append',
      'append',
      'sync',
      'append',
      'append',
      'append',
    ])
    h.synced()
    h.run()
    expect(h.log.at(-1)).toBe('sync')
  })

  it('turns a long pause into a bounded number of ticks', () => {
    const h = harness({ limits: { tickMs: 20, catchUpTicksMax: 3 } })
    h.driver.tick(0)
    h.driver.tick(10)
    h.run()
    expect(h.core.inputs).toHaveLength(1)
    h.driver.tick(40)
    h.run()
    expect(h.core.inputs).toHaveLength(3)
    h.driver.tick(5_000)
    h.run()
    expect(h.core.inputs).toHaveLength(6)
    expect(h.core.inputs.at(-1)).toMatchObject({ now: 5_000 })
    h.driver.tick(5_019)
    h.run()
    expect(h.core.inputs).toHaveLength(6)
    h.driver.tick(5_020)
    h.run()
    expect(h.core.inputs).toHaveLength(7)
  })

  it('drops what cannot be decoded and what the inbox has no room for, with a note', () => {
    const h = harness({ limits: { inboxMessagesMax: 2 } })
    h.driver.receive('n2', bytes('!garbage'))
    h.driver.receive('n2', bytes('fine'))
    h.driver.receive('n2', bytes('one too many'))
    h.run()
    expect(h.core.types()).toEqual(['Receive'])
    expect(h.notes.map((note) => note.event)).toEqual(['inbox-full', 'undecodable-message'])
  })

  it('carries out the effects of recovery in the first turn', () => {
    const h = harness({ initial: [{ type: 'Restore', snapshot: SNAPSHOT }] })
    h.driver.tick(0)
    expect(h.log).toEqual([])
    h.run()
    expect(h.log).toEqual(['restore'])
  })

  it('refuses to send to itself', () => {
    const h = harness()
    h.core.on('Tick', () => [send('n1', 'me', 'none')])
    h.driver.tick(0)
    expect(() => h.run()).toThrow('nothing to itself')
  })
})

describe('requests', () => {
  function submit(h: ReturnType<typeof harness>, seq: number, deadline = 1e9, payload = 'p') {
    const outcomes: SubmitOutcome[] = []
    h.driver.submit(request(1, seq, payload), { deadline }, (outcome) => outcomes.push(outcome))
    return outcomes
  }
  const entry = (index: number, ...seqs: number[]) => ({
    index,
    time: 0,
    requests: seqs.map((seq) => request(1, seq)),
  })

  it('are answered by their Apply', () => {
    const h = harness()
    const one = submit(h, 1)
    const two = submit(h, 2)
    h.run()
    h.core.on('Tick', () => [{ type: 'Apply', entries: [entry(5, 1, 9), entry(6, 2)] }])
    h.driver.tick(0)
    h.run()
    expect(one).toEqual([])
    h.applies[0]?.done([[bytes('a'), bytes('x')], [bytes('b')]])
    expect(one).toEqual([{ type: 'Answer', bytes: bytes('a') }])
    expect(two).toEqual([{ type: 'Answer', bytes: bytes('b') }])
    expect(h.driver.status().pendingRequests).toBe(0)
  })

  it('share one end under one id: the first executed wins', () => {
    const h = harness()
    const one = submit(h, 1, 1e9, 'first')
    const same = submit(h, 1, 1e9, 'other')
    h.run()
    const late = submit(h, 1, 1e9, 'first')
    h.run()
    expect(h.core.inputs).toHaveLength(1)
    expect(h.core.inputs[0]).toMatchObject({ requests: [{ command: bytes('first') }] })
    h.core.on('Tick', () => [{ type: 'Apply', entries: [entry(5, 1)] }])
    h.driver.tick(0)
    h.run()
    h.applies[0]?.done([[bytes('a')]])
    for (const outcomes of [one, same, late])
      expect(outcomes).toEqual([{ type: 'Answer', bytes: bytes('a') }])
  })

  it('that the core refuses were never appended', () => {
    const h = harness()
    h.core.on('Propose', (input) => [
      { type: 'Answer', id: input.requests[0]!, outcome: { type: 'NotLeader', leader: 'n3' } },
    ])
    const one = submit(h, 1)
    const two = submit(h, 2)
    h.run()
    expect(one).toEqual([{ type: 'NotLeader', leader: 'n3' }])
    expect(two).toEqual([])
  })

  it('once appended never end as NotLeader, even if proposed again and refused', () => {
    const h = harness()
    const one = submit(h, 1)
    h.run()
    h.core.role = 'follower'
    h.driver.tick(0)
    h.run()
    h.core.on('Propose', (input) => [
      { type: 'Answer', id: input.requests[0]!, outcome: { type: 'NotLeader', leader: 'n3' } },
    ])
    const again = submit(h, 1)
    h.run()
    expect(h.core.types().filter((type) => type === 'Propose')).toHaveLength(2)
    expect(one[0]?.type).toBe('Indeterminate')
    expect(again[0]?.type).toBe('Indeterminate')
  })

  it('end at their deadline: Indeterminate when appended', () => {
    const h = harness()
    h.driver.tick(0)
    const one = submit(h, 1, 50)
    const longer = submit(h, 1, 90)
    h.run()
    h.driver.tick(40)
    h.run()
    expect(one).toEqual([])
    h.driver.tick(60)
    h.run()
    expect(one[0]?.type).toBe('Indeterminate')
    expect(longer).toEqual([])
    h.driver.tick(100)
    h.run()
    expect(longer[0]?.type).toBe('Indeterminate')
    expect(h.driver.status().pendingRequests).toBe(0)
  })

  it('that were not proposed by their deadline were never appended', () => {
    const h = harness()
    const one = submit(h, 1, 0)
    h.driver.tick(10)
    h.run()
    expect(one).toEqual([
      { type: 'Overloaded', reason: 'the deadline passed before it was proposed' },
    ])
    expect(h.core.types()).toEqual(['Tick'])
  })

  it('outlive our leadership by one election timeout, and no truncation ends them', () => {
    const h = harness()
    h.driver.tick(0)
    const one = submit(h, 1)
    h.run()
    h.core.role = 'follower'
    h.driver.tick(20)
    h.run()
    h.core.role = 'leader'
    h.core.term = 3
    h.driver.tick(40)
    const later = submit(h, 2)
    h.run()
    h.driver.tick(100)
    h.run()
    expect(one).toEqual([])
    h.driver.tick(120)
    h.run()
    expect(one).toEqual([{ type: 'Indeterminate', reason: 'its leader stepped down' }])
    expect(later).toEqual([])
  })

  it('are answered from the session table when a snapshot replaces the log', () => {
    const h = harness()
    const one = submit(h, 1)
    const two = submit(h, 2)
    h.run()
    h.core.on('SnapshotReceived', (input) => [{ type: 'Restore', snapshot: input.snapshot }])
    h.driver.snapshotReceived('n2', SNAPSHOT)
    h.run()
    const three = submit(h, 3)
    h.stored.set('1/2', bytes('kept'))
    h.restores[0]?.()
    expect(one[0]?.type).toBe('Indeterminate')
    expect(two).toEqual([{ type: 'Answer', bytes: bytes('kept') }])
    expect(three).toEqual([])
  })

  it('beyond the queue get Overloaded at once', () => {
    const h = harness({ limits: { queuedRequestsMax: 2 } })
    const outcomes = [submit(h, 1), submit(h, 2), submit(h, 3)]
    expect(outcomes.map((o) => o[0]?.type)).toEqual([undefined, undefined, 'Overloaded'])
    h.run()
    expect(h.core.inputs[0]).toMatchObject({ requests: [{ seq: 1 }, { seq: 2 }] })
  })

  it('are told at stop what is true of them', () => {
    const h = harness()
    const appended = submit(h, 1)
    h.run()
    const queued = submit(h, 2)
    h.driver.stop()
    expect(appended[0]?.type).toBe('Indeterminate')
    expect(queued[0]?.type).toBe('Overloaded')
    expect(submit(h, 3)[0]?.type).toBe('Overloaded')
  })

  it('may be submitted from within an answer', () => {
    const h = harness()
    let again: SubmitOutcome | null = null
    h.driver.submit(request(1, 1), { deadline: 5 }, () =>
      h.driver.submit(request(1, 1), { deadline: 1e9 }, (outcome) => {
        again = outcome
      }),
    )
    h.driver.tick(10)
    h.run()
    expect(again).toBeNull()
    expect(h.driver.status().pendingRequests).toBe(1)
  })
})

describe('reads', () => {
  it('of one turn are one Read, ready in the order of the machine', () => {
    const h = harness()
    const done: string[] = []
    h.driver.read({ deadline: 1e9 }, (outcome) => done.push(`one ${outcome.type}`))
    h.driver.read({ deadline: 1e9 }, (outcome) => done.push(`two ${outcome.type}`))
    h.run()
    expect(h.core.inputs).toEqual([{ type: 'Read', id: { incarnation: 77, number: 1 } }])
    h.core.on('Tick', () => [
      { type: 'Apply', entries: [{ index: 4, time: 0, requests: [] }] },
      {
        type: 'Answer',
        id: { incarnation: 77, number: 1 },
        outcome: { type: 'ReadReady', index: 4 },
      },
    ])
    h.driver.tick(0)
    h.run()
    expect(h.log).toEqual(['apply 4', 'in-order'])
    expect(done).toEqual([])
    h.inOrder[0]?.()
    expect(done).toEqual(['one Ready', 'two Ready'])
  })

  it('that come after a Read was asked wait for another one', () => {
    const h = harness()
    h.driver.read({ deadline: 1e9 }, () => {})
    h.run()
    h.driver.read({ deadline: 1e9 }, () => {})
    h.run()
    expect(h.core.inputs.map((input) => (input.type === 'Read' ? input.id.number : 0))).toEqual([
      1, 2,
    ])
  })

  it('end at their deadline, and as the core says', () => {
    const h = harness()
    const done: string[] = []
    h.driver.read({ deadline: 15 }, (outcome) => done.push(outcome.type))
    h.driver.read({ deadline: 1e9 }, (outcome) => done.push(outcome.type))
    h.run()
    h.driver.tick(20)
    h.run()
    expect(done).toEqual(['Indeterminate'])
    h.core.on('Tick', () => [
      {
        type: 'Answer',
        id: { incarnation: 77, number: 1 },
        outcome: { type: 'NotLeader', leader: 'n2' },
      },
    ])
    h.driver.tick(40)
    h.run()
    expect(done).toEqual(['Indeterminate', 'NotLeader'])
    expect(h.driver.status().pendingReads).toBe(0)
  })
})

describe('snapshots', () => {
  it('report what became of them', () => {
    const h = harness()
    h.core.on('Tick', () => [
      { type: 'TakeSnapshot', snapshot: SNAPSHOT },
      { type: 'SendSnapshot', to: 'n2', snapshot: SNAPSHOT },
      { type: 'SendSnapshot', to: 'n3', snapshot: SNAPSHOT },
      { type: 'SendSnapshot', to: 'n3', snapshot: SNAPSHOT },
    ])
    h.driver.tick(0)
    h.run()
    const written = { ...SNAPSHOT, digest: 'd', bytes: 3 }
    h.snapshots[0]?.(written)
    h.deliveries[0]?.('delivered')
    h.deliveries[1]?.('undelivered')
    h.deliveries[2]?.('unreadable')
    h.run()
    expect(h.core.inputs.slice(1)).toEqual([
      { type: 'SnapshotTaken', snapshot: written },
      { type: 'SnapshotFailed', snapshot: SNAPSHOT, peer: 'n3', unreadable: false },
      { type: 'SnapshotFailed', snapshot: SNAPSHOT, peer: 'n3', unreadable: true },
    ])
  })

  it('that could not be taken are reported without a peer', () => {
    const h = harness()
    h.core.on('Tick', () => [{ type: 'TakeSnapshot', snapshot: SNAPSHOT }])
    h.driver.tick(0)
    h.run()
    h.snapshots[0]?.(null)
    h.run()
    expect(h.core.inputs.at(-1)).toEqual({ type: 'SnapshotFailed', snapshot: SNAPSHOT })
    expect(text(bytes('x'))).toBe('x')
  })
})

describe('checkpoints', () => {
  it('are asked of the machine in its order, and come back as an input', () => {
    const h = harness()
    h.core.on('Tick', () => [{ type: 'TakeCheckpoint', index: 8 }])
    h.driver.tick(0)
    h.run()
    expect(h.log).toEqual(['take-checkpoint'])
    h.checkpoints[0]?.('state of 8')
    h.run()
    expect(h.core.inputs.at(-1)).toEqual({
      type: 'CheckpointTaken',
      index: 8,
      digest: 'state of 8',
    })
  })
})
