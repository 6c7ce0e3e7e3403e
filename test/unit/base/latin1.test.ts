import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { latin1Decode, latin1Encode } from '../../../src/base/latin1.js'

const LENGTHS = [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 40, 55, 63, 64, 65, 4096, 5000, 9999]

describe('latin1', () => {
  const all = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31) & 255)

  test.each(LENGTHS)('of %i bytes', (length) => {
    const bytes = all.subarray(1, 1 + length)
    const text = latin1Decode(all, 1, 1 + length)
    expect(text).toBe(Buffer.from(bytes).toString('latin1'))
    expect(latin1Decode(bytes)).toBe(text)
    expect(latin1Encode(text)).toEqual(bytes)
  })

  test('a digest that is kept costs what its bytes cost, and no link for each of them', () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const kept: string[] = new Array(20_000).fill('')
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < kept.length; i++) kept[i] = latin1Decode(all, i % 5000, (i % 5000) + 32)
    collect()
    const each = (process.memoryUsage().heapUsed - before) / kept.length
    expect(kept.at(-1)?.length).toBe(32)
    expect(each).toBeLessThan(100)
  })
})
