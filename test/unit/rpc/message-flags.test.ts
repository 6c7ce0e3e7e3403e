import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageFlags } from '../../../src/rpc/message-flags.js'

function framed(flag: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length)
  bytes[0] = flag
  new DataView(bytes.buffer).setUint32(1, payload.length)
  bytes.set(payload, 5)
  return bytes
}

test('the first bad flag is found, however the bytes are cut', () => {
  const message = fc.record({
    flag: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(0, 1) },
      fc.integer({ min: 0, max: 255 }),
    ),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      fc.constantFrom(0 as const, 1 as const),
      (messages, cuts, max) => {
        const bytes = Buffer.concat(messages.map((m) => framed(m.flag, m.payload)))
        const flags = new MessageFlags(max)
        let found: number | null = null
        for (let at = 0, i = 0; at < bytes.length && found === null; i++) {
          const cut = cuts[i % cuts.length]!
          found = flags.read(bytes.subarray(at, at + cut))
          at += cut
        }
        expect(found).toBe(messages.find((m) => m.flag > max)?.flag ?? null)
      },
    ),
  )
})
