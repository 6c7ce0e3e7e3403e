/** Whose signatures count, and what a signature says: each thing that is signed, and nothing near it. */
import { describe, expect, it } from 'vitest'
import { makeAuth, principalOf, proofOf } from '../../../src/consensus/auth.js'
import type { Request } from '../../../src/consensus/contract.js'
import { batchDigest, signedBytes } from '../../../src/consensus/pbft/encoding.js'
import type { Batch, Message, Prepare, Proposed } from '../../../src/consensus/pbft/messages.js'
import { fakeSuite } from '../../../src/crypto/fake.js'
import { Keyring, type KeyringOptions, VERIFIED_MAX } from '../../../src/crypto/keyring.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import type { Signer } from '../../../src/crypto/ports.js'
import {
  type Reply,
  requestDigest,
  signListen,
  signReplies,
  signRequests,
  type Voice,
} from '../../../src/crypto/sealed.js'
import { readSeal, SEALED_MAX, seal, signedBySeal } from '../../../src/crypto/seals.js'

const CLUSTER = 'c1'
const signerOf = (n: number): Signer => nodeSuite.signer(new Uint8Array(32).fill(n))
const N1 = signerOf(1)
const N2 = signerOf(2)
const CLIENT = signerOf(9)
const named = (name: string, { publicKey }: Signer) => ({ name, publicKey })
const voice = (signer: Signer, clusterId = CLUSTER): Voice => ({
  suite: nodeSuite,
  signer,
  clusterId,
})

function keyring(extra: Partial<KeyringOptions> = {}): Keyring {
  return new Keyring({
    suite: nodeSuite,
    clusterId: CLUSTER,
    replicas: [named('n1', N1), named('n2', N2)],
    clients: [named('c1', CLIENT)],
    allowAnonymousClients: false,
    ...extra,
  })
}

const request = (seq: number, extra: Partial<Request> = {}): Request => ({
  session: 4,
  seq,
  ackedThrough: 0,
  command: Uint8Array.of(seq & 255, seq >> 8),
  ...extra,
})

function prepare(signer: Signer, extra: Partial<Prepare> = {}, clusterId = CLUSTER): Prepare {
  const body: Prepare = {
    type: 'Prepare',
    sender: 'n1',
    epoch: 0,
    view: 1,
    index: 7,
    digest: 'ab'.repeat(32),
    signature: new Uint8Array(0),
    ...extra,
  }
  return { ...body, signature: signer.sign(signedBytes(clusterId, body)) }
}

function proposalOf(batch: Batch): Proposed {
  const digest = batchDigest(nodeSuite.digest, CLUSTER, batch)
  const body = { ...prepare(N1), type: 'Proposed', digest } as const
  return { ...body, signature: N1.sign(signedBytes(CLUSTER, body)) }
}

describe('statements of replicas', () => {
  it("21: statements count under their sender's key, cluster, epoch and type, and not otherwise", () => {
    const keys = keyring()
    const good = prepare(N1)
    expect(keys.verifyStatement(good)).toBe(true)
    expect(keys.verifyStatement({ ...good, view: 2 })).toBe(false)
    expect(keys.verifyStatement({ ...good, epoch: 1 })).toBe(false)
    expect(keys.verifyStatement({ ...good, sender: 'n2' })).toBe(false)
    expect(keys.verifyStatement({ ...good, sender: 'n9' })).toBe(false)
    expect(keys.verifyStatement({ ...good, type: 'Commit' } as never)).toBe(false)
    expect(keys.verifyStatement(prepare(N2))).toBe(false)
    expect(keys.verifyStatement(prepare(N1, {}, 'c2'))).toBe(false)
  })

  it('one bad signature inside refuses the whole message', () => {
    const keys = keyring()
    const checkpoint = (signer: Signer, sender: string) => {
      const signature = new Uint8Array(0)
      const digest = 'cd'.repeat(32)
      const body = { type: 'Checkpoint', sender, epoch: 0, index: 128, digest, signature } as const
      return { ...body, signature: signer.sign(signedBytes(CLUSTER, body)) }
    }
    const good = [checkpoint(N1, 'n1'), checkpoint(N2, 'n2')]
    const message: Message = { type: 'StableCheckpoint', checkpoints: good }
    expect(keys.admit(message)).toEqual(message)
    const forged = [checkpoint(N1, 'n1'), checkpoint(N1, 'n2')]
    expect(keys.admit({ type: 'StableCheckpoint', checkpoints: forged })).toBeNull()
  })

  it('a signature is computed once; a bad one is not remembered', () => {
    const keys = keyring()
    const good = prepare(N1)
    for (let i = 0; i < 5; i++) expect(keys.verifyStatement(good)).toBe(true)
    expect(keys.counters).toEqual({ verifications: 1, remembered: 4, macs: 0 })
    const bad = { ...good, signature: good.signature.map((byte) => byte ^ 1) }
    for (let i = 0; i < 3; i++) expect(keys.verifyStatement(bad)).toBe(false)
    expect(keys.counters.verifications).toBe(4)
  })

  it('what is remembered is bounded', () => {
    const signer = fakeSuite.signer(new Uint8Array(32))
    const keys = keyring({ suite: fakeSuite, replicas: [named('n1', signer)], clients: [] })
    const first = prepare(signer, { index: 1 })
    for (let index = 1; index <= VERIFIED_MAX + 1; index++)
      keys.verifyStatement(index === 1 ? first : prepare(signer, { index }))
    keys.verifyStatement(first)
    expect(keys.counters).toEqual({ verifications: VERIFIED_MAX + 2, remembered: 0, macs: 0 })
  })
})

describe('requests of clients', () => {
  it('are signed together, and each proves itself alone', () => {
    for (const count of [1, 2, 3, 5, 8, 33]) {
      const keys = keyring()
      const requests = Array.from({ length: count }, (_, i) => request(i + 1))
      const signed = signRequests(voice(CLIENT), requests)
      for (const one of [...signed].reverse()) expect(keys.verifyRequest(one)).toBe(true)
      expect(keys.counters.verifications).toBe(1)
      expect(signed.map(({ auth, ...rest }) => rest)).toEqual(requests)
    }
  })

  it('say session, seq, ackedThrough, command and readOnly: another of any is not signed', () => {
    const keys = keyring()
    for (const count of [1, 4]) {
      const requests = Array.from({ length: count }, (_, i) => request(i + 1))
      const signed = signRequests(voice(CLIENT), requests).at(-1)!
      expect(keys.verifyRequest(signed)).toBe(true)
      const others: Partial<Request>[] = [
        { session: 5 },
        { seq: 99 },
        { ackedThrough: 1 },
        { command: Uint8Array.of(1, 2, 3) },
        { readOnly: true },
      ]
      for (const other of others) expect(keys.verifyRequest({ ...signed, ...other })).toBe(false)
      const { auth, ...unsigned } = signed
      expect(keys.verifyRequest(unsigned)).toBe(false)
    }
  })

  it("one's seal does not pass under another's key or in another cluster", () => {
    const keys = keyring({ clients: [named('c1', CLIENT), named('c2', signerOf(8))] })
    const [signed] = signRequests(voice(CLIENT), [request(1)])
    const moved = makeAuth(signerOf(8).publicKey, proofOf(signed!.auth!))
    expect(keys.verifyRequest({ ...signed!, auth: moved })).toBe(false)
    expect(keys.verifyRequest(signRequests(voice(CLIENT, 'c2'), [request(1)])[0]!)).toBe(false)
  })

  it("a replica's key is no client's, and an unknown key asks only where that is allowed", () => {
    const [byReplica] = signRequests(voice(N1), [request(1)])
    const [byStranger] = signRequests(voice(signerOf(7)), [request(1)])
    expect(keyring().verifyRequest(byReplica!)).toBe(false)
    expect(keyring().verifyRequest(byStranger!)).toBe(false)
    const open = keyring({ allowAnonymousClients: true })
    expect(open.verifyRequest(byStranger!)).toBe(true)
    expect(open.verifyRequest({ ...byStranger!, seq: 2 })).toBe(false)
    const small = makeAuth(new Uint8Array(32), proofOf(byStranger!.auth!))
    expect(open.verifyRequest({ ...byStranger!, auth: small })).toBe(false)
  })

  it('26: a bad one is left out of a Forward, and refuses a PrePrepare', () => {
    const keys = keyring()
    const [good] = signRequests(voice(CLIENT), [request(1)])
    const bad = { ...good!, seq: 2 }
    expect(keys.admit({ type: 'Forward', requests: [bad, good!] })).toEqual({
      type: 'Forward',
      requests: [good],
    })
    const prePrepare = (requests: Request[]): Message => {
      const batch = { time: 1, requests }
      return { type: 'PrePrepare', proposed: proposalOf(batch), batch }
    }
    expect(keys.admit(prePrepare([good!]))).not.toBeNull()
    expect(keys.admit(prePrepare([good!, bad]))).toBeNull()
    expect(keys.admit(prePrepare([request(3)]))).toBeNull()
  })

  it('of another batch than the proposed one are not verified', () => {
    const keys = keyring()
    const requests = Array.from({ length: 50 }, (_, i) => signRequests(voice(CLIENT), [request(i)]))
    const other = { time: 1, requests: requests.flat() }
    const proposed = proposalOf({ time: 2, requests: [] })
    expect(keys.admit({ type: 'PrePrepare', proposed, batch: other })).toBeNull()
    expect(keys.counters.verifications).toBe(1)
    // Nor is it hashed before the proposal is known to be one.
    const forged = { ...proposed, view: 9 }
    expect(keys.admit({ type: 'PrePrepare', proposed: forged, batch: other })).toBeNull()
    expect(keys.counters.verifications).toBe(2)
  })
})

describe('replies, and the wish to hear them', () => {
  const asked = requestDigest(nodeSuite, CLUSTER, request(1))
  const reply: Reply = {
    replica: 'n1',
    view: 3,
    session: 4,
    seq: 1,
    request: asked,
    answer: Uint8Array.of(1),
  }

  it("a reply is one replica's, in one view, to one request", () => {
    const keys = keyring()
    const [first, second] = signReplies(voice(N1), [reply, { ...reply, seq: 2 }])
    expect(keys.verifyReply(reply, first!)).toBe(true)
    expect(keys.verifyReply({ ...reply, seq: 2 }, second!)).toBe(true)
    expect(keys.counters.verifications).toBe(1)
    expect(keys.verifyReply(reply, second!)).toBe(false)
    const others: Partial<Reply>[] = [
      { replica: 'n2' },
      { view: 4 },
      { session: 5 },
      { request: requestDigest(nodeSuite, CLUSTER, request(1, { readOnly: true })) },
      { answer: Uint8Array.of(2) },
    ]
    for (const other of others) expect(keys.verifyReply({ ...reply, ...other }, first!)).toBe(false)
  })

  it('who may hear is whoever the key belongs to, at the replica that it names', () => {
    const keys = keyring()
    const auth = signListen(voice(CLIENT), 'n1')
    expect(keys.verifyListen('n1', auth)).toEqual(CLIENT.publicKey)
    expect(keys.verifyListen('n2', auth)).toBeNull()
    expect(keys.verifyListen('n1', signListen(voice(signerOf(7)), 'n1'))).toBeNull()
    expect(principalOf(auth)).toEqual(CLIENT.publicKey)
  })
})

describe('a keyring', () => {
  it('refuses one key under two names, a name twice, and bad keys, and says whose', () => {
    const twice = () => keyring({ clients: [named('c1', N2)] })
    expect(twice).toThrow('c1 and n2 have the same key')
    expect(() => keyring({ replicas: [named('n1', N1), named('n1', N2)] })).toThrow(
      'two keys of n1',
    )
    const small = { name: 'n2', publicKey: new Uint8Array(32) }
    expect(() => keyring({ replicas: [named('n1', N1), small] })).toThrow(/^n2: .*small order/)
  })
})

describe('seals', () => {
  const { digest } = nodeSuite
  const leaf = (n: number) => digest(Uint8Array.of(n & 255, n >> 8))
  const signed = (one: Uint8Array, bytes: Uint8Array, hash = digest) =>
    signedBySeal(hash, one, readSeal(bytes)!)

  it('what is no seal opens to nothing', () => {
    const leaves = [1, 2, 3].map(leaf)
    const [good] = seal(digest, CLIENT.sign, leaves)
    expect(readSeal(good!)).not.toBeNull()
    for (let length = 0; length < good!.length; length++)
      expect(readSeal(good!.subarray(0, length))).toBeNull()
    expect(readSeal(new Uint8Array([...good!, 0]))).toBeNull()
    expect(readSeal(Uint8Array.of(13, ...good!.subarray(1)))).toBeNull()
    const sides = good!.slice()
    sides[1] = 4
    expect(readSeal(sides)).toBeNull()
  })

  it('no leaf but the sealed one is under the signature, nor a level above passes for it', () => {
    const leaves = [1, 2, 3, 4].map(leaf)
    const seals = seal(digest, CLIENT.sign, leaves)
    const root = signed(leaves[0]!, seals[0]!)
    leaves.forEach((one, i) => {
      seals.forEach((bytes, j) => {
        const same = signed(one, bytes).every((byte, k) => byte === root[k])
        expect(same).toBe(i === j)
      })
    })
  })

  it('holds as many as it says', () => {
    const leaves = Array.from({ length: SEALED_MAX }, (_, i) => leaf(i))
    const seals = seal(fakeSuite.digest, CLIENT.sign, leaves)
    const root = signed(leaves[0]!, seals[0]!, fakeSuite.digest)
    expect(signed(leaves.at(-1)!, seals.at(-1)!, fakeSuite.digest)).toEqual(root)
    expect(() => seal(digest, CLIENT.sign, [...leaves, leaf(0)])).toThrow()
  })
})
