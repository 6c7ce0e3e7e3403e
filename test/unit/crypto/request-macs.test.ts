/** MACs beside a client's signature: what they save a backup, and all that they must not decide. */
import { describe, expect, it } from 'vitest'
import { concat } from '../../../src/base/bytes.js'
import { makeAuth, proofOf } from '../../../src/consensus/auth.js'
import type { Request } from '../../../src/consensus/contract.js'
import { batchDigest, signedBytes } from '../../../src/consensus/pbft/encoding.js'
import type { Message } from '../../../src/consensus/pbft/messages.js'
import { browserSuite } from '../../../src/crypto/browser.js'
import { fakeSuite } from '../../../src/crypto/fake.js'
import { Keyring } from '../../../src/crypto/keyring.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type { Signer, Suite } from '../../../src/crypto/ports.js'
import {
  BARE_SIGNATURES,
  COUNTED_MAX,
  KEYS_MAX,
  MAC_BYTES,
  MACED_REQUESTS_MAX,
  OwnMacs,
  RequestMacs,
} from '../../../src/crypto/request-macs.js'
import { signRequests, type Voice } from '../../../src/crypto/sealed.js'

const CLUSTER = 'c1'
const signerOf = (n: number): Signer => nodeSuite.signer(new Uint8Array(32).fill(n))
const SIGNERS = [1, 2, 3, 4].map(signerOf)
const CLIENT = signerOf(9)
const named = ({ publicKey }: Signer, i: number) => ({ name: `n${i + 1}`, publicKey })
const REPLICAS = SIGNERS.map(named)
const FAKES = [1, 2, 3, 4].map((n) => fakeSuite.signer(new Uint8Array(32).fill(n)))
const REPLICAS_OF_FAKES = FAKES.map(named)

/** The keyring of replica n1, n2, n3 or n4, which has just started. */
function startedKeyringOf(n: 1 | 2 | 3 | 4, signer = SIGNERS[n - 1]!): Keyring {
  return new Keyring({
    suite: nodeSuite,
    clusterId: CLUSTER,
    replicas: REPLICAS,
    clients: [{ name: 'c1', publicKey: CLIENT.publicKey }],
    allowAnonymousClients: false,
    own: { name: `n${n}`, signer },
  })
}

/** One that knows the client by so many signatures that it takes its MACs. */
function keyringOf(n: 1 | 2 | 3 | 4): Keyring {
  const keys = startedKeyringOf(n)
  for (const one of KNOWN) expect(keys.verifyRequest(one)).toBe(true)
  return keys
}

/** `bare`: so many of the first signatures get no MACs. */
function voice(clusterId = CLUSTER, signer = CLIENT, bare = 0): Voice {
  const of = { suite: nodeSuite, signer, clusterId }
  return { ...of, macs: new RequestMacs({ ...of, replicas: REPLICAS }, bare) }
}

const request = (seq: number): Request => ({
  session: 4,
  seq,
  ackedThrough: 0,
  command: Uint8Array.of(seq & 255),
})

/** Its keys with the replicas are agreed on once. */
const VOICE = voice()
const signed = (seq: number, by = VOICE): Request => signRequests(by, [request(seq)])[0]!

const KNOWN = Array.from({ length: BARE_SIGNATURES }, (_, i) => signed(1_000 + i))
/** What a keyring counts is what it counted for those, and this. */
const beyondKnown = (verifications: number, macs: number) => ({
  verifications: BARE_SIGNATURES + verifications,
  remembered: 0,
  macs,
})

function proposing(requests: readonly Request[]): Message {
  const signature = new Uint8Array(0)
  const batch = { time: 1, requests }
  const digest = batchDigest(nodeSuite.digest, CLUSTER, batch)
  const slot = { epoch: 0, view: 0, index: 7, digest, signature }
  const body = { type: 'Proposed', sender: 'n1', ...slot } as const
  const proposed = { ...body, signature: SIGNERS[0]!.sign(signedBytes(CLUSTER, body)) }
  return { type: 'PrePrepare', proposed, batch }
}

/** The same request with one byte of its proof changed, counted from the end if negative. */
function bent(of: Request, at: number): Request {
  const auth = of.auth!.slice()
  auth[at < 0 ? auth.length + at : at]! ^= 1
  return { ...of, auth }
}

const withoutMacs = (of: Request): Request => ({
  ...of,
  auth: of.auth!.subarray(0, of.auth!.length - 4 * MAC_BYTES),
})
/** In the signature, which stands before the MACs. */
const IN_SIGNATURE = -(4 * MAC_BYTES + 5)
const macAt = (n: number): number => -(4 - n) * MAC_BYTES - 1

describe.each<[string, Suite, Suite]>([
  ['node, node', nodeSuite, nodeSuite],
  ['node, browser', nodeSuite, browserSuite],
  ['fake, fake', fakeSuite, fakeSuite],
])('what two keys have in common: %s', (_, one, other) => {
  const a = one.signer(new Uint8Array(32).fill(1))
  const b = other.signer(new Uint8Array(32).fill(2))
  const c = one.signer(new Uint8Array(32).fill(3))

  it('is the same from either side, and another with another key', () => {
    const secret = a.agree(b.publicKey)
    expect(secret).toHaveLength(32)
    expect(b.agree(a.publicKey)).toEqual(secret)
    expect(c.agree(a.publicKey)).not.toEqual(secret)
    expect(a.agree(new Uint8Array(31))).toBeNull()
  })
})

it.each([
  ['node', nodeSuite],
  ['browser', browserSuite],
])('nothing is secret with a key of small order, or one that is no point: %s', (_, suite) => {
  const { agree } = suite.signer(new Uint8Array(32).fill(1))
  expect(agree(new Uint8Array(32))).toBeNull()
  expect(agree(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)))).toBeNull()
  expect(agree(new Uint8Array(32).fill(0xff))).toBeNull()
})

describe('a request with MACs', () => {
  it('is taken from a primary without a signature verified, by each backup', () => {
    const good = signed(1)
    for (const n of [2, 3, 4] as const) {
      const keys = keyringOf(n)
      expect(keys.admit(proposing([good, signed(2)]))).not.toBeNull()
      // The proposal's own.
      expect(keys.counters).toEqual(beyondKnown(1, 2))
    }
  })

  it('26: a good MAC under a bad signature orders nothing: it is no request to whoever is asked or told', () => {
    const bad = bent(signed(1), IN_SIGNATURE)
    for (const n of [1, 2, 3, 4] as const) {
      const keys = keyringOf(n)
      expect(keys.verifyRequest(bad)).toBe(false)
      expect(keys.admit({ type: 'Forward', requests: [bad] })).toEqual({
        type: 'Forward',
        requests: [],
      })
      expect(keys.counters.macs).toBe(0)
    }
  })

  it('26: a bad MAC costs its backup a signature, and the client and the primary nothing', () => {
    const bad = bent(signed(1), macAt(2))
    for (const [n, macs] of [
      [2, 0],
      [3, 1],
      [4, 1],
    ] as const) {
      const keys = keyringOf(n)
      expect(keys.admit(proposing([bad]))).not.toBeNull()
      expect(keys.counters).toEqual(beyondKnown(2 - macs, macs))
    }
  })

  it('is refused where MAC and signature are bad', () => {
    const bad = bent(bent(signed(1), IN_SIGNATURE), macAt(2))
    expect(keyringOf(2).admit(proposing([bad]))).toBeNull()
  })

  it('has them for what it says, in this cluster, and for one replica each', () => {
    const good = signed(1)
    const unsigned = bent(good, IN_SIGNATURE)
    const macs = unsigned.auth!.subarray(-4 * MAC_BYTES)
    const ofN1 = macs.subarray(0, MAC_BYTES)
    const rest = withoutMacs(unsigned).auth!
    const others: Request[] = [
      { ...unsigned, seq: 2 },
      { ...unsigned, command: Uint8Array.of(9) },
      { ...unsigned, ackedThrough: 1 },
      { ...unsigned, readOnly: true },
      { ...unsigned, auth: concat([rest, ofN1, ofN1, macs.subarray(2 * MAC_BYTES)]) },
      bent(signed(1, voice('c2')), IN_SIGNATURE),
      bent(signed(1, voice(CLUSTER, signerOf(10))), IN_SIGNATURE),
      { ...unsigned, auth: makeAuth(signerOf(10).publicKey, proofOf(unsigned.auth!)) },
    ]
    expect(keyringOf(2).admit(proposing([unsigned]))).not.toBeNull()
    // n1's in the place of n2's is good for all but n2.
    expect(keyringOf(3).admit(proposing([others[4]!]))).not.toBeNull()
    for (const other of others) expect(keyringOf(2).admit(proposing([other]))).toBeNull()
  })

  it('has them for all replicas or for none, whoever looks', () => {
    const good = signed(1)
    const auths = [
      good.auth!.subarray(0, -1),
      good.auth!.subarray(0, -MAC_BYTES),
      concat([good.auth!, new Uint8Array(MAC_BYTES)]),
      concat([withoutMacs(good).auth!, Uint8Array.of(0)]),
    ]
    for (const n of [1, 2] as const)
      for (const auth of auths) {
        expect(keyringOf(n).verifyRequest({ ...good, auth })).toBe(false)
        expect(keyringOf(n).admit(proposing([{ ...good, auth }]))).toBeNull()
      }
    expect(keyringOf(2).verifyRequest(good)).toBe(true)
    expect(keyringOf(2).verifyRequest(withoutMacs(good))).toBe(true)
    expect(keyringOf(2).admit(proposing([withoutMacs(good)]))).not.toBeNull()
  })

  it('has none where a signature is for many, and none at first', () => {
    const many = Array.from({ length: MACED_REQUESTS_MAX + 1 }, (_, i) => request(i + 1))
    const few = many.slice(1)
    const macsOf = (by: Voice, requests: readonly Request[]) =>
      signRequests(by, requests).map((one) => one.auth!.length > withoutMacsLength(requests.length))
    expect(macsOf(voice(), many)).not.toContain(true)
    expect(macsOf(voice(), few)).not.toContain(false)
    const beginner = voice(CLUSTER, CLIENT, 2)
    const lengths = [1, 2, 3].map((seq) => signed(seq, beginner).auth!.length)
    expect(lengths[0]).toBe(lengths[1])
    expect(lengths[2]).toBe(lengths[1]! + 4 * MAC_BYTES)
  })
})

describe('a key', () => {
  /** A replica that has just started, and how often it agreed on a key. */
  function started(): { keys: Keyring; agreed: () => number } {
    let agreed = 0
    const signer = SIGNERS[1]!
    const agree = (key: Uint8Array) => {
      agreed++
      return signer.agree(key)
    }
    return { keys: startedKeyringOf(2, { ...signer, agree }), agreed: () => agreed }
  }

  it('26: is agreed on with whom many signatures were verified, and until then they are verified', () => {
    const { keys, agreed } = started()
    for (let seq = 1; seq <= BARE_SIGNATURES; seq++) {
      expect(keys.admit(proposing([bent(signed(seq), IN_SIGNATURE)]))).toBeNull()
      expect(agreed()).toBe(0)
      expect(keys.admit(proposing([signed(seq)]))).not.toBeNull()
    }
    expect(agreed()).toBe(0)
    expect(keys.counters.macs).toBe(0)
    expect(keys.admit(proposing([signed(17), signed(18)]))).not.toBeNull()
    expect(keys.admit(proposing([bent(signed(19), macAt(2))]))).not.toBeNull()
    expect(agreed()).toBe(1)
    expect(keys.counters.macs).toBe(2)
  })

  it('26: is bought by no signature that costs no verification', () => {
    const { keys, agreed } = started()
    const many = Array.from({ length: MACED_REQUESTS_MAX }, (_, i) => request(i + 1))
    const under = signRequests(VOICE, many)
    for (let i = 0; i < 3; i++) expect(keys.admit(proposing(under))).not.toBeNull()
    for (let i = 0; i < 2 * BARE_SIGNATURES; i++) {
      expect(keys.admit(proposing([signed(100)]))).not.toBeNull()
      expect(keys.verifyRequest(bent(signed(200 + i), IN_SIGNATURE))).toBe(false)
    }
    // Two signatures so far.
    for (let seq = 300; seq < 300 + BARE_SIGNATURES - 2; seq++)
      expect(keys.admit(proposing([signed(seq)]))).not.toBeNull()
    expect(agreed()).toBe(0)
    expect(keys.admit(proposing([signed(400)]))).not.toBeNull()
    expect(agreed()).toBe(1)
  })

  it('is there when the client begins to use it, however many requests it signs together', () => {
    const { keys, agreed } = started()
    const by = voice(CLUSTER, CLIENT, BARE_SIGNATURES)
    let seq = 0
    const ask = (requests: number): number => {
      const before = keys.counters.macs
      const together = Array.from({ length: requests }, () => request(++seq))
      expect(keys.admit(proposing(signRequests(by, together)))).not.toBeNull()
      return keys.counters.macs - before
    }
    for (let i = 0; i < BARE_SIGNATURES; i++) expect(ask([1, 8, 100][i % 3]!)).toBe(0)
    expect(agreed()).toBe(0)
    expect([ask(1), ask(8), ask(100), ask(2)]).toEqual([1, 8, 0, 2])
    expect(agreed()).toBe(1)
  })
})

describe('of what a replica remembers of its clients', () => {
  const REQUEST = new Uint8Array(32)
  const ofCluster = { suite: fakeSuite, clusterId: CLUSTER, replicas: REPLICAS_OF_FAKES }
  const honest = fakeSuite.signer(new Uint8Array(32).fill(9))
  const macs = new RequestMacs({ ...ofCluster, signer: honest }, 0).of(REQUEST)
  let strangers = 0

  function started() {
    let agreed = 0
    const agree = (key: Uint8Array) => {
      if (key === honest.publicKey) agreed++
      return FAKES[1]!.agree(key)
    }
    const own = new OwnMacs('n2', { ...ofCluster, signer: { ...FAKES[1]!, agree } })
    /** The signatures of one client, and then a request with MACs. */
    const come = (client: Uint8Array, signatures: number): boolean => {
      for (let i = 0; i < signatures; i++) own.verified(client)
      return own.isGood(client, REQUEST, macs)
    }
    /** So many keys that were never there. */
    const flood = (keys: number, signatures: number): void => {
      for (let i = 0; i < keys; i++) {
        const stranger = new Uint8Array(32).fill(0xff)
        new DataView(stranger.buffer).setUint32(0, ++strangers)
        come(stranger, signatures)
      }
    }
    return { come, flood, agreed: () => agreed }
  }

  it('26: ever new keys push out no key that was agreed on', () => {
    const { come, flood, agreed } = started()
    expect(come(honest.publicKey, BARE_SIGNATURES)).toBe(true)
    flood(2 * COUNTED_MAX, 1)
    flood(2 * COUNTED_MAX, BARE_SIGNATURES - 1)
    expect(come(honest.publicKey, 0)).toBe(true)
    expect(agreed()).toBe(1)
  })

  it('26: nor do those that had their signatures verified push out one that is used meanwhile', () => {
    const { come, flood, agreed } = started()
    expect(come(honest.publicKey, BARE_SIGNATURES)).toBe(true)
    for (let i = 0; i < 8; i++) {
      flood(KEYS_MAX / 2, BARE_SIGNATURES)
      expect(come(honest.publicKey, 0)).toBe(true)
    }
    expect(agreed()).toBe(1)
  })

  it('26: who was pushed out has its signatures verified again, and for no less than others', () => {
    const { come, flood, agreed } = started()
    expect(come(honest.publicKey, BARE_SIGNATURES)).toBe(true)
    flood(KEYS_MAX, BARE_SIGNATURES)
    expect(come(honest.publicKey, 0)).toBe(false)
    expect(come(honest.publicKey, BARE_SIGNATURES - 1)).toBe(false)
    expect(come(honest.publicKey, 1)).toBe(true)
    expect(agreed()).toBe(2)
  })

  it('26: a client that begins is held up by as many keys between two of its signatures', () => {
    const { come, flood } = started()
    for (let i = 1; i < BARE_SIGNATURES; i++) {
      expect(come(honest.publicKey, 1)).toBe(false)
      flood(COUNTED_MAX / 2, 1)
    }
    expect(come(honest.publicKey, 1)).toBe(true)
    const other = started()
    for (let i = 0; i <= BARE_SIGNATURES; i++) {
      expect(other.come(honest.publicKey, 1)).toBe(false)
      other.flood(COUNTED_MAX, 1)
    }
  })
})

/** Key, count and sides, a path of hashes, the signature; nothing is longer without MACs. */
function withoutMacsLength(requests: number): number {
  return 32 + 2 + 32 * Math.ceil(Math.log2(requests)) + 64 + 1
}
