import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concat, toHex } from '../../../src/base/bytes.js'
import { nextInt, seededRandom } from '../../../src/base/random.js'
import { CUTTING, Cutter } from '../../../src/state-transfer/cutter.js'
import { Plan } from '../../../src/state-transfer/plan.js'
import { encodeNode, nameOf, type PartRef, TreeHasher } from '../../../src/state-transfer/tree.js'
import { HASHING, partOf, randomBytes, SMALL, treeOf } from './support.js'

const NEVER_MORE = 1_000

function cutsOf(content: Uint8Array): number[] {
  const cutter = new Cutter(SMALL)
  const cuts: number[] = []
  for (let at = 0; at < content.length; ) {
    const end = cutter.next(content, at)
    if (end === null) break
    cuts.push(end)
    at = end
  }
  return cuts
}

function sha(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The digest as the decision record words it, with nothing shared but the cuts. */
function naive(content: Uint8Array): string {
  const cuts = cutsOf(content)
  if (content.length > (cuts.at(-1) ?? 0)) cuts.push(content.length)
  let below = cuts.map((end, i) => {
    const chunk = content.subarray(cuts[i - 1] ?? 0, end)
    return { hash: sha(Uint8Array.of(0), chunk), bytes: chunk.length }
  })
  for (let level = 1; ; level++) {
    const above: typeof below = []
    for (let at = 0; at === 0 || at < below.length; at += SMALL.fanOut) {
      const under = below.slice(at, at + SMALL.fanOut)
      const texts = under.map(({ hash, bytes }) => {
        const length: number[] = []
        for (let left = bytes; ; left >>= 7) {
          length.push(left >= 128 ? (left & 127) | 128 : left)
          if (left < 128) break
        }
        return concat([hash, Uint8Array.from(length)])
      })
      const bytes = under.reduce((sum, one) => sum + one.bytes, 0)
      above.push({ hash: sha(Uint8Array.of(level), ...texts), bytes })
    }
    if (above.length === 1) return toHex(above[0]!.hash)
    below = above
  }
}

describe('cuts', () => {
  it('lie between the bounds, in small and in production', () => {
    for (const cutting of [SMALL, CUTTING]) {
      const content = randomBytes(3, 20 * cutting.chunkBytesMax)
      const cutter = new Cutter(cutting)
      let count = 0
      for (let at = 0; ; count++) {
        const end = cutter.next(content, at)
        if (end === null) break
        expect(end - at).toBeGreaterThanOrEqual(cutting.chunkBytesMin)
        expect(end - at).toBeLessThanOrEqual(cutting.chunkBytesMax)
        at = end
      }
      expect(count).toBeGreaterThan(20)
    }
  })

  it('come at the maximum where the content never says so', () => {
    expect(cutsOf(new Uint8Array(1_000))).toEqual([200, 400, 600, 800, 1_000])
  })

  it('stay where they were behind bytes that were put in or taken out', () => {
    const random = seededRandom(5)
    for (let round = 0; round < 50; round++) {
      const content = randomBytes(round, 6_000)
      const at = nextInt(random, 0, 2_000)
      const grown = concat([content.slice(0, at), randomBytes(99, 17), content.slice(at)])
      const before = new Set(cutsOf(content).map((cut) => cut + 17))
      const after = cutsOf(grown).filter((cut) => cut > at + 1_500)
      expect(after.length).toBeGreaterThan(10)
      expect(after.every((cut) => before.has(cut))).toBe(true)
    }
  })
})

describe('the tree', () => {
  it('is the one that a naive computation gives, however the content comes', () => {
    const random = seededRandom(7)
    for (const length of [0, 1, 39, 40, 41, 199, 200, 201, 900, 5_000, 20_000]) {
      const content = randomBytes(length, length)
      const expected = naive(content)
      expect(treeOf(content).digest).toBe(expected)
      const hasher = new TreeHasher(HASHING)
      for (let at = 0; at < length; ) {
        const end = Math.min(length, at + nextInt(random, 1, 300))
        hasher.update(content.subarray(at, end))
        at = end
      }
      expect(toHex(hasher.digest())).toBe(expected)
    }
  })

  it('of another content has another digest, whichever byte differs', () => {
    const content = randomBytes(1, 700)
    const digests = new Set([treeOf(content).digest])
    for (let at = 0; at < content.length; at++)
      digests.add(treeOf(content.with(at, content[at]! ^ 1)).digest)
    for (let length = 0; length < content.length; length++)
      digests.add(treeOf(content.subarray(0, length)).digest)
    expect(digests.size).toBe(1 + 2 * content.length)
  })
})

/** Runs a plan to its end against one content; gives what it put together. */
function carriedOut(
  content: Uint8Array,
  alter: (part: Uint8Array) => Uint8Array | null,
): Uint8Array {
  const tree = treeOf(content)
  const plan = new Plan({ digest: tree.digest, bytes: content.length }, HASHING, 3)
  const out: Uint8Array[] = []
  for (let steps = 0; !plan.isDone; steps++) {
    expect(steps).toBeLessThan(NEVER_MORE)
    const next = plan.next()
    if (next !== null) {
      out.push(next)
      continue
    }
    const missing = plan.missing()
    expect(missing.length).toBeLessThanOrEqual(3)
    for (const name of missing) {
      const part = partOf(content, tree, name)!
      const altered = alter(part)
      if (altered !== null) expect(plan.take(name, altered)).toBe(false)
      expect(plan.take(name, part)).toBe(true)
      // Twice is once.
      expect(plan.take(name, part)).toBe(true)
    }
  }
  return concat(out)
}

describe('a plan', () => {
  it('puts the content together, the empty one too, and one that repeats itself', () => {
    const twice = randomBytes(4, 2_000)
    for (const content of [
      new Uint8Array(0),
      randomBytes(1, 10),
      randomBytes(2, 9_000),
      new Uint8Array(5_000),
      concat([twice, twice, twice]),
    ])
      expect(carriedOut(content, () => null)).toEqual(content)
  })

  it('refuses every part with any byte of it flipped, cut or longer, and goes on', () => {
    const content = randomBytes(2, 1_000)
    const alterations: ((part: Uint8Array) => Uint8Array)[] = [
      (part) => part.subarray(1),
      (part) => part.subarray(0, part.length - 1),
      (part) => concat([part, Uint8Array.of(0)]),
      () => new Uint8Array(0),
    ]
    // Of each part each byte: the longest decides how many rounds that takes.
    for (let at = 0; at <= SMALL.chunkBytesMax; at++)
      alterations.push((part) => {
        const i = at % part.length
        return part.with(i, part[i]! ^ 0x10)
      })
    for (const alter of alterations) expect(carriedOut(content, alter)).toEqual(content)
  })

  it('refuses a part in the place of another, and a chunk that passes for a node', () => {
    const content = randomBytes(2, 3_000)
    const tree = treeOf(content)
    const plan = new Plan({ digest: tree.digest, bytes: content.length }, HASHING, 16)
    expect(plan.take(tree.digest, tree.node(tree.digest)!)).toBe(true)
    const [first, second] = plan.missing()
    expect(plan.take(first!, partOf(content, tree, second!)!)).toBe(false)
    expect(plan.missing()).toContain(first)
  })

  const { newHasher } = HASHING
  const chunk: PartRef = { name: nameOf(Uint8Array.of(0, 1, 2, 3), newHasher), bytes: 3 }
  const leaf = encodeNode(1, [chunk])
  const lies: { why: string; node: Uint8Array; bytes: number }[] = [
    { why: 'more bytes than the certificate says', node: leaf, bytes: 2 },
    { why: 'fewer bytes than the certificate says', node: leaf, bytes: 4 },
    { why: 'a part of no bytes', node: encodeNode(1, [chunk, { ...chunk, bytes: 0 }]), bytes: 3 },
    {
      why: 'more parts than a node has',
      node: encodeNode(1, new Array(5).fill(chunk)),
      bytes: 15,
    },
    {
      why: 'a chunk above the maximum',
      node: encodeNode(1, [{ ...chunk, bytes: 201 }]),
      bytes: 201,
    },
    { why: 'a level that no tree has', node: encodeNode(9, [chunk]), bytes: 3 },
    { why: 'an end within an entry', node: leaf.subarray(0, leaf.length - 1), bytes: 3 },
    {
      why: 'a number above what is safe',
      node: concat([leaf, new Uint8Array(41).fill(255)]),
      bytes: 3,
    },
  ]
  for (const { why, node, bytes } of lies)
    it(`refuses a node that is vouched for and makes no sense: ${why}`, () => {
      const digest = nameOf(node, newHasher)
      expect(new Plan({ digest, bytes }, HASHING, 4).take(digest, node)).toBe(false)
    })

  it('refuses a node under a node of its own level, and a chunk of another length than told', () => {
    const inner = encodeNode(2, [{ name: nameOf(leaf, newHasher), bytes: 3 }])
    const outer = encodeNode(2, [{ name: nameOf(inner, newHasher), bytes: 3 }])
    const above = new Plan({ digest: nameOf(outer, newHasher), bytes: 3 }, HASHING, 4)
    expect(above.take(nameOf(outer, newHasher), outer)).toBe(true)
    expect(above.take(nameOf(inner, newHasher), inner)).toBe(false)
    const longer = encodeNode(1, [{ ...chunk, bytes: 4 }])
    const plan = new Plan({ digest: nameOf(longer, newHasher), bytes: 4 }, HASHING, 4)
    expect(plan.take(nameOf(longer, newHasher), longer)).toBe(true)
    expect(plan.take(chunk.name, Uint8Array.of(0, 1, 2, 3))).toBe(false)
  })
})
