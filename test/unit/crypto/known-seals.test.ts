/** What is remembered of signed trees changes no verdict, and saves the hashes it is there to save. */
import { describe, expect, it } from 'vitest'
import { makeAuth, principalOf, proofOf } from '../../../src/consensus/auth.js'
import type { Request } from '../../../src/consensus/contract.js'
import { Keyring } from '../../../src/crypto/keyring.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type { Suite } from '../../../src/crypto/ports.js'
import { requestDigest, signRequests } from '../../../src/crypto/sealed.js'

const CLIENT = nodeSuite.signer(new Uint8Array(32).fill(9))
const OTHER = nodeSuite.signer(new Uint8Array(32).fill(8))
const request = (seq: number): Request => ({
  session: 4,
  seq,
  ackedThrough: 0,
  command: Uint8Array.of(seq & 255, seq >> 8),
})

function keyring(suite: Suite = nodeSuite): Keyring {
  const clients = [CLIENT, OTHER].map(({ publicKey }, i) => ({ name: `c${i}`, publicKey }))
  return new Keyring({ suite, clusterId: 'c', replicas: [], clients, allowAnonymousClients: false })
}

const batch = (count: number, first = 1, signer = CLIENT): Request[] =>
  signRequests(
    { suite: nodeSuite, signer, clusterId: 'c' },
    Array.from({ length: count }, (_, i) => request(first + i)),
  )

const authOf = ({ auth }: Request): Uint8Array => auth ?? new Uint8Array(0)
const under = (one: Request, principal: Request, seal: Uint8Array): Request => ({
  ...one,
  auth: makeAuth(principalOf(principal.auth), seal),
})

describe('what is known of signed trees', () => {
  it('gives every seal the verdict that it has without it', () => {
    for (const count of [2, 3, 5, 8]) {
      const good = batch(count)
      const [elsewhere] = batch(count, 100)
      const [stranger] = batch(count, 1, OTHER)
      const warm = keyring()
      for (const one of good) expect(warm.verifyRequest(one)).toBe(true)
      for (const one of good) {
        const tried = [
          one,
          ...good.map((other) => under(one, one, proofOf(authOf(other)))),
          under(one, one, proofOf(authOf(elsewhere!))),
          under(one, stranger!, proofOf(authOf(one))),
          under(one, one, proofOf(authOf(stranger!))),
        ]
        const bytes = proofOf(authOf(one))
        for (let at = 0; at < bytes.length; at++) {
          const changed = bytes.slice()
          changed[at] = (changed[at] ?? 0) ^ 1
          tried.push(under(one, one, changed))
        }
        for (const each of tried)
          expect(warm.verifyRequest(each)).toBe(keyring().verifyRequest(each))
      }
    }
  })

  it('refuses a good request under the path of its neighbour, whoever was seen first', () => {
    const [a, b] = batch(4)
    const warm = keyring()
    expect(warm.verifyRequest(a!)).toBe(true)
    // Its hash is in that path, and so was vouched for; the path it shows is none of its own.
    expect(warm.verifyRequest(under(b!, b!, proofOf(authOf(a!))))).toBe(false)
    expect(warm.verifyRequest(b!)).toBe(true)
  })

  it('takes no request for another whose hash begins alike', () => {
    const seen = new Map<string, Request>()
    let alike: readonly [Request, Request] | null = null
    for (let seq = 1; alike === null && seq < 400_000; seq++) {
      const one = { ...request(seq), auth: CLIENT.publicKey }
      const [a = 0, b = 0, c = 0, d = 0] = requestDigest(nodeSuite, 'c', one)
      const start = `${a} ${b} ${c} ${d >> 2}`
      const other = seen.get(start)
      if (other === undefined) seen.set(start, one)
      else alike = [other, one]
    }
    const [one, other] = alike!
    const voice = { suite: nodeSuite, signer: CLIENT, clusterId: 'c' }
    const [good] = signRequests(voice, [one, request(0)])
    const warm = keyring()
    expect(warm.verifyRequest(good!)).toBe(true)
    expect(warm.verifyRequest(under(other, good!, proofOf(authOf(good!))))).toBe(false)
  })

  it('computes one signature and about one hash a request of a batch', () => {
    let hashes = 0
    const counting: Suite = {
      ...nodeSuite,
      digest: (bytes) => {
        hashes++
        return nodeSuite.digest(bytes)
      },
    }
    const one = keyring(counting)
    const requests = batch(100)
    for (const each of requests) expect(one.verifyRequest(each)).toBe(true)
    expect(one.counters).toEqual({ verifications: 1, remembered: 99, macs: 0 })
    // A hash of each request, of each node of the tree, and the first path twice.
    expect(hashes).toBeLessThan(100 + 100 + 20)
  })

  it('forgets the oldest trees, which are then followed again', () => {
    const one = keyring()
    const first = batch(1_024)
    for (const each of first) one.verifyRequest(each)
    for (let i = 1; i <= 20; i++)
      for (const each of batch(1_024, 10_000 * i)) expect(one.verifyRequest(each)).toBe(true)
    expect(one.verifyRequest(first[7]!)).toBe(true)
    expect(one.verifyRequest(under(first[7]!, first[7]!, proofOf(authOf(first[9]!))))).toBe(false)
  })
})
