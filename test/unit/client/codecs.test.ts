import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodePlainResults,
  encodePlainPut,
  submitCommandsResponse,
} from '../../../src/client/codecs.js'
import { putRequest } from '../../../src/client/kv.js'
import { PutRequest } from '../../../src/gen/etcd/api/etcdserverpb/rpc.js'
import { SubmitCommandsResponse } from '../../../src/gen/quorate/v1/quorate.js'

const bytes = fc.uint8Array({ maxLength: 300 })
const whole = fc.oneof(fc.constant(0), fc.nat(300), fc.maxSafeNat())
const text = fc.string({ maxLength: 20 })
const outcome = fc.oneof(
  { weight: 5, arbitrary: bytes.map((value) => ({ $case: 'answer' as const, value })) },
  text.map((reason) => ({ $case: 'overloaded' as const, value: { reason } })),
  text.map((reason) => ({ $case: 'indeterminate' as const, value: { reason } })),
  text.map((leaderName) => ({
    $case: 'notLeader' as const,
    value: { leaderName, leaderEndpoint: 'a:1' },
  })),
)
const result = fc.record({ session: whole, seq: whole, outcome })
const plain = (value: unknown) =>
  JSON.stringify(value, (_, one) => (one instanceof Uint8Array ? [...one] : one))

describe('codecs by hand are those of the generated code', () => {
  it('puts', () => {
    fc.assert(
      fc.property(bytes, bytes, (key, value) => {
        const request = putRequest(key, value)
        const written = encodePlainPut(request)!
        expect(written[0]).toBe(1)
        expect(written.subarray(1)).toEqual(PutRequest.encode(request).finish())
      }),
    )
    expect(encodePlainPut(putRequest('k', 'v', { prevKv: true }))).toBe(null)
    expect(encodePlainPut(putRequest('k', 'v', { lease: '7' }))).toBe(null)
  })

  it('results', () => {
    fc.assert(
      fc.property(fc.array(result, { maxLength: 5 }), (results) => {
        const encoded = SubmitCommandsResponse.encode({ results, refused: [] }).finish()
        expect(plain(submitCommandsResponse.decode(encoded))).toBe(
          plain(SubmitCommandsResponse.decode(encoded)),
        )
        const answers = results.every((one) => one.outcome.$case === 'answer')
        // What nodes mostly send does take the short way.
        if (answers) expect(decodePlainResults(encoded)).not.toBe(null)
      }),
    )
  })

  it('whatever bytes come: the same message, or the same refusal', () => {
    const refusing = (decode: (encoded: Uint8Array) => unknown, encoded: Uint8Array) => {
      try {
        return plain(decode(encoded))
      } catch {
        return 'refused'
      }
    }
    const broken = fc
      .tuple(fc.array(result, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), fc.nat())
      .map(([results, at, byte, cut]) => {
        const encoded = SubmitCommandsResponse.encode({ results, refused: [] }).finish().slice()
        encoded[at % encoded.length] = byte
        return encoded.subarray(0, encoded.length - (cut % 3))
      })
    fc.assert(
      fc.property(broken, (encoded) => {
        const ours = refusing((one) => submitCommandsResponse.decode(one), encoded)
        expect(ours).toBe(refusing((one) => SubmitCommandsResponse.decode(one), encoded))
      }),
      { numRuns: 2_000 },
    )
  })
})
