import { describe, expect, it } from 'vitest'
import { faultsMax, quorum, weakQuorum } from '../../../../src/consensus/pbft/quorum.js'

const SIZES = Array.from({ length: 31 }, (_, i) => i + 1)

describe('who is enough', () => {
  it.each(SIZES)('of %i: any two quorums share one that does not lie', (n) => {
    expect(2 * quorum(n) - n).toBeGreaterThan(faultsMax(n))
  })

  it.each(SIZES)('of %i: those who do not lie are a quorum', (n) => {
    expect(quorum(n)).toBeLessThanOrEqual(n - faultsMax(n))
  })

  it.each(SIZES)('of %i: among a weak quorum one does not lie', (n) => {
    expect(weakQuorum(n)).toBe(faultsMax(n) + 1)
  })

  it('with six it is four, where 2f+1 would be three', () => {
    expect([4, 5, 6, 7, 8, 10, 16].map(quorum)).toEqual([3, 4, 4, 5, 6, 7, 11])
  })
})
