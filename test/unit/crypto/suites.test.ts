/** Every implementation of the port passes the same suite; the two real ones agree on everything. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, toHex } from '../../../src/base/bytes.js'
import { nextInt, nextUint32, seededRandom } from '../../../src/base/random.js'
import { browserSuite } from '../../../src/crypto/browser.js'
import { fakeSuite } from '../../../src/crypto/fake.js'
import { nodeSuite } from '../../../src/crypto/node.js'
import { KeyError, type Suite } from '../../../src/crypto/ports.js'
import { RFC_8032 } from './vectors.js'

const h = (hex: string): Uint8Array => fromHex(hex)!
const text = (s: string): Uint8Array => new TextEncoder().encode(s)
const REAL: [string, Suite][] = [
  ['node', nodeSuite],
  ['browser', browserSuite],
]
const { n: ORDER } = ed25519.Point.CURVE()
const BASE = ed25519.Point.BASE

describe.each<[string, Suite]>([...REAL, ['fake', fakeSuite]])('the port: %s', (_, suite) => {
  const seed = new Uint8Array(32).fill(3)

  it('a signature holds for its key and bytes alone, and is the same each time', () => {
    const signer = suite.signer(seed)
    const verifier = suite.verifier(signer.publicKey)
    const signature = signer.sign(text('a'))
    expect(signature).toHaveLength(64)
    expect(signer.sign(text('a'))).toEqual(signature)
    expect(verifier.verify(text('a'), signature)).toBe(true)
    expect(verifier.verify(text('b'), signature)).toBe(false)
    const other = suite.verifier(suite.signer(new Uint8Array(32).fill(4)).publicKey)
    expect(other.verify(text('a'), signature)).toBe(false)
    for (const at of [0, 31, 32, 62]) {
      const bent = signature.slice()
      bent[at]! ^= 1
      expect(verifier.verify(text('a'), bent)).toBe(false)
    }
    for (const bad of [new Uint8Array(0), signature.subarray(1), concat([signature, seed])])
      expect(verifier.verify(text('a'), bad)).toBe(false)
  })

  it('a MAC depends on key and bytes; a digest on bytes', () => {
    const mac = suite.mac(text('k'), text('a'))
    expect(suite.mac(text('k'), text('a'))).toEqual(mac)
    expect(suite.mac(text('l'), text('a'))).not.toEqual(mac)
    expect(suite.mac(text('k'), text('b'))).not.toEqual(mac)
    expect(suite.digest(text('a'))).toHaveLength(32)
    expect(suite.digest(text('a'))).not.toEqual(suite.digest(text('b')))
  })

  it('a key of the wrong length is refused', () => {
    expect(() => suite.verifier(new Uint8Array(31))).toThrow(KeyError)
  })
})

describe.each(REAL)('Ed25519, SHA-256 and HMAC are the real ones: %s', (_, suite) => {
  it.each(RFC_8032.map((one) => [one.name, one] as const))('RFC 8032, %s', (_name, vector) => {
    const signer = suite.signer(h(vector.seed))
    expect(toHex(signer.publicKey)).toBe(vector.publicKey)
    expect(toHex(signer.sign(h(vector.message)))).toBe(vector.signature)
    const verifier = suite.verifier(h(vector.publicKey))
    expect(verifier.verify(h(vector.message), h(vector.signature))).toBe(true)
  })

  it('SHA-256 of abc, and HMAC-SHA256 of RFC 4231, case 2', () => {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
    expect(toHex(suite.digest(text('abc')))).toBe(abc)
    const mac = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    expect(toHex(suite.mac(text('Jefe'), text('what do ya want for nothing?')))).toBe(mac)
  })

  it('a private key of the wrong length is refused', () => {
    expect(() => suite.signer(new Uint8Array(31))).toThrow(KeyError)
  })

  it('24: an S of the order or above is refused', () => {
    const { publicKey, message, signature } = RFC_8032[2]
    const s = numberOf(h(signature).subarray(32)) + ORDER
    const bent = concat([h(signature).subarray(0, 32), bytesOf(s)])
    expect(suite.verifier(h(publicKey)).verify(h(message), bent)).toBe(false)
  })

  it('24: public keys of small order are refused, in every encoding', () => {
    for (const key of smallOrderEncodings())
      expect(() => suite.verifier(key), toHex(key)).toThrow(KeyError)
  })

  it('public keys that are no point, or a point in another encoding, are refused', () => {
    const offCurve = new Uint8Array(32).fill(0)
    offCurve[0] = 2
    expect(() => suite.verifier(offCurve)).toThrow(/no point/)
    // y = p + 3, which is 3 in its canonical encoding.
    const p = 2n ** 255n - 19n
    expect(() => suite.verifier(bytesOf(p + 3n))).toThrow(/canonical/)
  })

  it('24: R of small order is refused', () => {
    // Under s·B with R = 0 the equation holds for S = k·a: only the check of R itself is in the way.
    const a = 12_345n
    const publicKey = BASE.multiply(a).toBytes()
    for (const r of smallOrderEncodings()) {
      const k = numberOf(sha512(concat([r, publicKey, text('m')]))) % ORDER
      const signature = concat([r, bytesOf((k * a) % ORDER)])
      expect(suite.verifier(publicKey).verify(text('m'), signature), toHex(r)).toBe(false)
    }
  })

  it('R with a part of small order is refused, though eight times the equation holds', () => {
    const [a, r] = [12_345n, 678n]
    const publicKey = BASE.multiply(a).toBytes()
    const point = BASE.multiply(r).add(torsionPoint()).toBytes()
    const k = numberOf(sha512(concat([point, publicKey, text('m')]))) % ORDER
    const signature = concat([point, bytesOf((r + k * a) % ORDER)])
    expect(ed25519.verify(signature, text('m'), publicKey)).toBe(true)
    expect(suite.verifier(publicKey).verify(text('m'), signature)).toBe(false)
  })
})

describe('node and browser', () => {
  it('agree on what a key with a part of small order signed', () => {
    const a = 4_711n
    const publicKey = BASE.multiply(a).add(torsionPoint()).toBytes()
    const [node, browser] = [nodeSuite.verifier(publicKey), browserSuite.verifier(publicKey)]
    let good = 0
    for (let i = 1; i <= 64; i++) {
      const message = Uint8Array.of(i)
      const r = BASE.multiply(BigInt(i)).toBytes()
      const k = numberOf(sha512(concat([r, publicKey, message]))) % ORDER
      const signature = concat([r, bytesOf((BigInt(i) + k * a) % ORDER)])
      const verdict = node.verify(message, signature)
      expect(browser.verify(message, signature)).toBe(verdict)
      if (verdict) good++
    }
    // It holds where k is a multiple of eight.
    expect(good).toBeGreaterThan(0)
    expect(good).toBeLessThan(32)
  })

  it('agree on 1,000 random cases, good and damaged', { timeout: 60_000 }, () => {
    const random = seededRandom(8032)
    let good = 0
    const keys = Array.from({ length: 10 }, (_, i) => new Uint8Array(32).fill(i + 1)).map(
      (seed) => ({
        node: nodeSuite.signer(seed),
        browser: browserSuite.signer(seed),
      }),
    )
    const pairs = keys.map(({ node, browser }) => {
      expect(browser.publicKey).toEqual(node.publicKey)
      const { publicKey } = node
      return [nodeSuite.verifier(publicKey), browserSuite.verifier(publicKey)] as const
    })
    for (let i = 0; i < 1_000; i++) {
      const which = nextInt(random, 0, keys.length - 1)
      const message = randomBytes(nextInt(random, 0, 200))
      const signature = keys[which]!.node.sign(message).slice()
      if (i % 10 === 0) expect(keys[which]!.browser.sign(message)).toEqual(signature)
      const damage = nextInt(random, 0, 3)
      if (damage === 0) signature[nextInt(random, 0, 63)]! ^= 1 << nextInt(random, 0, 7)
      if (damage === 1 && message.length > 0) message[0]! ^= 1
      const [node, browser] = pairs[which]!
      const verdict = node.verify(message, signature)
      expect(browser.verify(message, signature)).toBe(verdict)
      if (verdict) good++
      expect(browserSuite.digest(message)).toEqual(new Uint8Array(nodeSuite.digest(message)))
    }
    expect(good).toBeGreaterThan(300)
    expect(good).toBeLessThan(700)

    function randomBytes(length: number): Uint8Array {
      return Uint8Array.from({ length }, () => nextUint32(random) & 0xff)
    }
  })
})

function numberOf(littleEndian: Uint8Array): bigint {
  return littleEndian.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function bytesOf(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}

/** Of order eight. */
function torsionPoint() {
  const encoded = h('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const point = ed25519.Point.fromBytes(encoded, true)
  expect(point.isSmallOrder()).toBe(true)
  return point
}

/** The eight points, and the encodings of them that are not canonical. */
function smallOrderEncodings(): Uint8Array[] {
  const canonical: Uint8Array[] = []
  let point = torsionPoint()
  for (let i = 0; i < 8; i++) {
    canonical.push(point.toBytes())
    point = point.add(torsionPoint())
  }
  expect(new Set(canonical.map(toHex)).size).toBe(8)
  const p = 2n ** 255n - 19n
  const sign = 2n ** 255n
  const others = [p, p + 1n, p + sign, p + 1n + sign, 1n + sign, p - 1n + sign].map(bytesOf)
  return [...canonical, ...others]
}
