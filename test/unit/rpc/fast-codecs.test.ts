/** The hand-written encoders against the generated ones: byte for byte. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ExchangeRequest } from '../../../src/gen/quorate/peer/v1/peer.js'
import {
  SubmitCommandRequest,
  SubmitCommandResponse,
  SubmitCommandsRequest,
  SubmitCommandsResponse,
} from '../../../src/gen/quorate/v1/quorate.js'
import {
  commandBatchCodec,
  resultBatchCodec,
  submitCommandRequestCodec,
  submitCommandResponseCodec,
} from '../../../src/rpc/fast-codecs.js'
import {
  exchangeRequestCodec,
  FRAME_MESSAGES_MAX,
  HELLO_BYTES_MAX,
} from '../../../src/rpc/frame-codec.js'
import type { Codec } from '../../../src/rpc/types.js'

const edges = [
  0,
  1,
  127,
  128,
  16_383,
  16_384,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
]
const number = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat())
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom(0, 1, 127, 128, 16_383, 16_384).map((length) => new Uint8Array(length).fill(7)),
)
const command = fc.record({
  session: number,
  seq: number,
  ackedThrough: number,
  command: bytes,
  timeoutMs: fc.oneof(fc.constant(0), fc.nat(2 ** 31 - 1), fc.constant(2 ** 32 - 1)),
  auth: fc.option(bytes, { nil: undefined }),
  readOnly: fc.option(fc.boolean(), { nil: undefined }),
})
const voucher = fc.record({
  replica: fc.oneof(fc.constant(''), fc.constant('n1'), fc.string({ unit: 'grapheme' })),
  view: number,
  seal: bytes,
})
const reason = fc.record({ reason: fc.string() })
const outcome = fc.oneof(
  fc.record({ $case: fc.constant('answer' as const), value: bytes }),
  fc.record({
    $case: fc.constant('notLeader' as const),
    value: fc.record({ leaderName: fc.string(), leaderEndpoint: fc.string() }),
  }),
  fc.record({ $case: fc.constantFrom('overloaded', 'indeterminate', 'invalid'), value: reason }),
  fc.constant(undefined),
)
const frame = fc.record({
  configurationEpoch: number,
  groupId: fc.nat(),
  crc32c: fc.oneof(fc.constant(0), fc.nat(), fc.constant(2 ** 32 - 1)),
  messages: fc.array(bytes, { maxLength: 8 }),
})

const keys = fc.oneof(fc.constant([]), fc.array(bytes, { maxLength: 3 }))

interface Generated<T> {
  encode(message: T): { finish(): Uint8Array }
}

function same<T>(messages: fc.Arbitrary<unknown>, generated: Generated<T>, codec: Codec<T>): void {
  fc.assert(
    fc.property(messages, (message) => {
      const fast = codec.encode(message as T)
      expect(Buffer.from(fast).equals(generated.encode(message as T).finish())).toBe(true)
    }),
    { numRuns: 300 },
  )
}

describe('the fast encoders', () => {
  test('SubmitCommandRequest', () => {
    const messages = fc.record({ command: fc.oneof(command, fc.constant(undefined)) })
    same(messages, SubmitCommandRequest, submitCommandRequestCodec)
  })
  test('SubmitCommandResponse', () => {
    same(fc.record({ answer: bytes }), SubmitCommandResponse, submitCommandResponseCodec)
  })
  test('SubmitCommandsRequest', () => {
    const messages = fc.record({ commands: fc.array(command, { maxLength: 8 }), listen: keys })
    same(messages, SubmitCommandsRequest, commandBatchCodec)
  })
  test('SubmitCommandsResponse', () => {
    const result = fc.record({
      session: number,
      seq: number,
      outcome,
      voucher: fc.option(voucher, { nil: undefined }),
    })
    const results = fc.array(result, { maxLength: 8 })
    same(fc.record({ results, refused: keys }), SubmitCommandsResponse, resultBatchCodec)
  })
  test('ExchangeRequest', () => {
    const messages = fc.record({
      content: fc.record({ $case: fc.constant('frame' as const), value: frame }),
    })
    same(messages, ExchangeRequest, exchangeRequestCodec)
  })

  test('batches one after the other are one batch with the contents of both', () => {
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 8 }),
        fc.array(command, { maxLength: 8 }),
        (a, b) => {
          const [one, other] = [Buffer.of(1), Buffer.of(2)]
          const joined = Buffer.concat([
            commandBatchCodec.encode({ commands: a, listen: [one] }),
            commandBatchCodec.encode({ commands: b, listen: [other] }),
          ])
          const both = { commands: [...a, ...b], listen: [one, other] }
          const written = commandBatchCodec.encode(commandBatchCodec.decode(joined))
          expect(Buffer.from(written).equals(commandBatchCodec.encode(both))).toBe(true)
        },
      ),
    )
  })
})

describe('a frame is read', () => {
  const decode = (bytes: Uint8Array) => exchangeRequestCodec.decode(bytes)

  test('as the generated code reads it, with fields of a later version, or not at all', () => {
    const written = (message: ExchangeRequest) =>
      Buffer.from(ExchangeRequest.encode(message).finish())
    fc.assert(
      fc.property(frame, fc.uint8Array({ maxLength: 20 }), fc.nat(), (value, noise, at) => {
        const bytes = exchangeRequestCodec.encode({ content: { $case: 'frame', value } })
        expect(written(decode(bytes)).equals(bytes)).toBe(true)
        const place = at % bytes.length
        const damaged = Buffer.concat([bytes.subarray(0, place), noise, bytes.subarray(place)])
        let read: ExchangeRequest
        try {
          read = decode(damaged)
        } catch {
          return
        }
        expect(written(read).equals(written(ExchangeRequest.decode(damaged)))).toBe(true)
      }),
      { numRuns: 3_000 },
    )
    const [a, b] = [new Uint8Array([1]), new Uint8Array([2])]
    const later = [26, 1, 1, 40, 7, 49, 0, 0, 0, 0, 0, 0, 0, 0, 58, 1, 9, 69, 0, 0, 0, 0, 26, 1, 2]
    expect(decode(new Uint8Array([18, later.length, ...later]))).toMatchObject({
      content: { $case: 'frame', value: { messages: [a, b] } },
    })
  })

  test('with no more messages than one may hold, and nothing else so large', () => {
    const of = (count: number) =>
      exchangeRequestCodec.encode({
        content: {
          $case: 'frame',
          value: {
            configurationEpoch: 0,
            groupId: 0,
            crc32c: 0,
            messages: Array.from({ length: count }, () => new Uint8Array(0)),
          },
        },
      })
    expect(decode(of(FRAME_MESSAGES_MAX)).content).toBeDefined()
    expect(() => decode(of(FRAME_MESSAGES_MAX + 1))).toThrow(/too many messages/)
    // The same behind a field that is nothing.
    const hidden = Buffer.concat([Buffer.from([24, 0]), of(HELLO_BYTES_MAX)])
    expect(() => decode(hidden)).toThrow(/too large for a Hello/)
  })
})
