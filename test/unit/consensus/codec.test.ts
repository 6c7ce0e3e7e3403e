import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Configuration, SnapshotMeta } from '../../../src/consensus/contract.js'
import { decodeSnapshotMeta, encodeSnapshotMeta } from '../../../src/consensus/raft/codec.js'
import { decodeEntry, encodeEntry } from '../../../src/consensus/raft/codec-parts.js'
import { type Message, raft, type WalRecord } from '../../../src/consensus/raft/index.js'
import type { EntryId, LogEntry } from '../../../src/consensus/raft/messages.js'

const number = fc.oneof(fc.nat(200), fc.maxSafeNat(), fc.constant(Number.MAX_SAFE_INTEGER))
const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,63}$/)
const names = fc.array(name, { maxLength: 3 })

const configuration: fc.Arbitrary<Configuration> = fc.record({
  members: fc.array(fc.record({ id: name, uid: fc.string() }), { maxLength: 3 }),
  voters: names,
  votersOutgoing: names,
  learners: names,
  learnersNext: names,
  autoLeave: fc.boolean(),
})

const snapshot: fc.Arbitrary<SnapshotMeta> = fc.record({
  index: number,
  term: number,
  time: number,
  configuration,
  digest: fc.string(),
  bytes: number,
})

const request = fc.record({
  session: number,
  seq: number,
  ackedThrough: number,
  command: fc.uint8Array({ maxLength: 40 }),
})

function entry(id: EntryId): fc.Arbitrary<LogEntry> {
  return fc.record({
    index: fc.constant(id.index),
    term: fc.constant(id.term),
    time: number,
    requests: fc.array(request, { maxLength: 3 }),
    configuration: fc.option(configuration),
    sizeBytes: fc.constant(64),
  })
}

/** A place in the log and entries that follow it, without holes, terms not decreasing. */
const part = fc
  .record({
    prev: fc.record({ index: fc.nat(1000), term: fc.nat(50) }),
    steps: fc.array(fc.nat(3), { maxLength: 4 }),
  })
  .chain(({ prev, steps }) => {
    let term = prev.term
    const ids = steps.map((step, i) => {
      term += step
      return { index: prev.index + i + 1, term }
    })
    return fc.record({ prev: fc.constant(prev), entries: fc.tuple(...ids.map(entry)) })
  })

/** Places of one log, with gaps. */
const places = fc.array(fc.tuple(fc.nat(5), fc.nat(3)), { maxLength: 5 }).map((steps) => {
  let [index, term] = [0, 0]
  return steps.map(([further, later]) => {
    index += further + 1
    term += later
    return { index, term }
  })
})

const entryId = fc.record({ index: number, term: number })
const readId = fc.record({ incarnation: number, number })
const base = { term: number }

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant('RequestVote' as const),
    ...base,
    lastLog: entryId,
    transfer: fc.boolean(),
  }),
  fc.record({ type: fc.constant('RequestVoteReply' as const), ...base, voteGranted: fc.boolean() }),
  fc.record({ type: fc.constant('PreVote' as const), ...base, lastLog: entryId }),
  fc.record({ type: fc.constant('PreVoteReply' as const), ...base, voteGranted: fc.boolean() }),
  part.chain(({ prev, entries }) =>
    fc.record({
      type: fc.constant('AppendEntries' as const),
      ...base,
      prev: fc.constant(prev),
      entries: fc.constant(entries),
      leaderCommit: number,
      round: number,
      agreedTime: number,
    }),
  ),
  fc.record({
    type: fc.constant('AppendEntriesReply' as const),
    ...base,
    round: number,
    incarnation: number,
    accepted: fc.constant(true as const),
    matchIndex: number,
  }),
  fc.record({
    type: fc.constant('AppendEntriesReply' as const),
    ...base,
    round: number,
    incarnation: number,
    accepted: fc.constant(false as const),
    rejected: number,
    hint: entryId,
  }),
  fc.record({ type: fc.constant('TimeoutNow' as const), ...base }),
  fc.record({ type: fc.constant('ReadIndex' as const), ...base, id: readId }),
  fc.record({ type: fc.constant('ReadIndexReply' as const), ...base, id: readId, index: number }),
  fc.record({
    type: fc.constant('Forward' as const),
    ...base,
    requests: fc.array(request, { maxLength: 3 }),
  }),
  places.map((wanted) => ({ type: 'FetchEntries' as const, term: 3, wanted, snapshotAtLeast: 7 })),
  fc.record({
    type: fc.constant('FetchEntriesReply' as const),
    ...base,
    incarnation: number,
    entries: places.chain((ids) => fc.tuple(...ids.map(entry))),
    absent: places,
    snapshotAbsent: fc.boolean(),
  }),
)

const hard = { term: number, votedFor: fc.option(name) }

const record: fc.Arbitrary<WalRecord> = fc.oneof(
  fc.record({ type: fc.constant('State' as const), ...hard, snapshot: fc.option(snapshot) }),
  fc.record({ type: fc.constant('HardState' as const), ...hard }),
  part.map(({ entries }) => ({ type: 'Append' as const, entries })),
  fc.record({ type: fc.constant('SnapshotTaken' as const), snapshot }),
  fc.record({ type: fc.constant('SnapshotInstalled' as const), snapshot }),
  fc.record({
    type: fc.constant('Bootstrap' as const),
    members: fc.array(fc.record({ id: name, uid: fc.string() }), { maxLength: 3 }),
  }),
  places
    .chain((ids) => fc.tuple(...ids.map(entry)))
    .map((entries) => ({ type: 'Filled' as const, entries })),
  fc
    .record({
      configuration: fc.option(fc.record({ index: fc.nat(4), configuration })),
      votedFor: fc.option(name),
      last: fc.integer({ min: 4, max: 90 }),
      snapshot: fc.option(
        fc.record({ time: fc.nat(), digest: fc.string({ maxLength: 64 }), bytes: fc.nat() }),
      ),
    })
    .map((shape) => ({
      type: 'Lost' as const,
      shape: {
        term: 9,
        votedFor: shape.votedFor,
        base: { index: 2, term: 1 },
        snapshot: shape.snapshot,
        lastIndex: shape.last,
        configuration: shape.configuration,
        runs: [
          { from: 3, term: 4 },
          { from: 4, term: 9 },
        ],
      },
    })),
  fc.constant({ type: 'SnapshotLost' as const }),
)

/** But for `sizeBytes`, which is the length of the encoding once decoded. */
function plain(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) =>
    key === 'sizeBytes' ? undefined : inner instanceof Uint8Array ? [...inner] : inner,
  )
}

describe('the codec', () => {
  it('gives back every message', () => {
    fc.assert(
      fc.property(message, (m) => {
        const read = raft.decodeMessage(raft.encodeMessage(m))
        // Keys may come in another order.
        expect(JSON.parse(plain(read))).toEqual(JSON.parse(plain(m)))
      }),
      { numRuns: 500 },
    )
  })

  it('gives back every list of records', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), (list) => {
        const read = raft.decodeRecords(raft.encodeRecords(list))
        expect(JSON.parse(plain(read))).toEqual(JSON.parse(plain(list)))
      }),
      { numRuns: 300 },
    )
  })

  it('gives back every description of a snapshot', () => {
    fc.assert(
      fc.property(snapshot, (s) => {
        expect(decodeSnapshotMeta(encodeSnapshotMeta(s))).toEqual(s)
      }),
    )
  })

  it('an entry travels unchanged: what was decoded is encoded to the same bytes', () => {
    fc.assert(
      fc.property(entry({ index: 3, term: 2 }), (one) => {
        const bytes = encodeEntry(one)
        const read = decodeEntry(bytes)
        if (read === null) throw new Error('decodes')
        expect(encodeEntry(read)).toBe(bytes)
        expect(encodeEntry({ ...read })).toEqual(bytes)
      }),
    )
  })

  it('a message cut short is no message, nor is one with bytes behind it', () => {
    fc.assert(
      fc.property(
        message,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (m, at) => {
          const bytes = raft.encodeMessage(m)
          expect(raft.decodeMessage(bytes.slice(0, Math.floor(at * bytes.length)))).toBe(null)
          expect(raft.decodeMessage(Uint8Array.from([...bytes, 0]))).toBe(null)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('garbage never throws, and what it gives can be encoded', () => {
    let messages = 0
    const tagged = fc
      .tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 80 }))
      .map(([tag, rest]) => Uint8Array.from([tag, ...rest]))
    fc.assert(
      fc.property(fc.oneof(tagged, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        const read = raft.decodeMessage(bytes)
        if (read !== null) {
          messages++
          raft.encodeMessage(read)
        }
        const list = raft.decodeRecords(bytes)
        if (list !== null) raft.encodeRecords(list)
        decodeEntry(bytes)
        decodeSnapshotMeta(bytes)
      }),
      { numRuns: 3000 },
    )
    expect(messages).toBeGreaterThan(0)
  })

  it('flipped bytes of a real message give another message or null, never an exception', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (m, at, by) => {
        const bytes = raft.encodeMessage(m).slice()
        const i = at % bytes.length
        bytes[i] = (bytes[i] ?? 0) ^ by
        raft.decodeMessage(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  const hole: Message = {
    type: 'AppendEntries',
    term: 5,
    prev: { index: 3, term: 2 },
    entries: [{ index: 5, term: 2, time: 0, requests: [], configuration: null, sizeBytes: 40 }],
    leaderCommit: 0,
    round: 0,
    agreedTime: 0,
  }

  it('entries that leave a hole behind prev are no message', () => {
    expect(raft.decodeMessage(raft.encodeMessage(hole))).toBe(null)
  })

  it('nor are entries whose terms decrease', () => {
    const entries = hole.type === 'AppendEntries' ? hole.entries : []
    const wrong = { ...hole, prev: { index: 4, term: 3 }, entries } as Message
    expect(raft.decodeMessage(raft.encodeMessage(wrong))).toBe(null)
  })

  it('a list longer than its bytes is refused without being built', () => {
    expect(raft.decodeRecords(Uint8Array.from([3, 0xff, 0xff, 0xff, 0x7f]))).toBe(null)
    expect(raft.decodeRecords(Uint8Array.from([6, 0xff, 0xff, 0xff, 0xff, 0x7f]))).toBe(null)
  })
})
