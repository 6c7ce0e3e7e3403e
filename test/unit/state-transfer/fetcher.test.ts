/**
 * The fetcher against real files on a disk in memory and peers over a network that the test owns: honest, lying,
 * silent, forgetful, slow.
 */
import { describe, expect, it } from 'vitest'
import { concat } from '../../../src/base/bytes.js'
import { nextInt, seededRandom } from '../../../src/base/random.js'
import type { SnapshotMeta } from '../../../src/consensus/contract.js'
import { Fetcher, type FetcherLimits } from '../../../src/state-transfer/fetcher.js'
import { openFile, targetFile } from '../../../src/state-transfer/files.js'
import { Shelf } from '../../../src/state-transfer/shelf.js'
import type { PartName } from '../../../src/state-transfer/tree.js'
import { TreeHasher } from '../../../src/state-transfer/tree.js'
import { MemoryFileSystem } from '../../../src/wal/memory-file-system.js'
import { SnapshotStore } from '../../../src/wal/snapshot-store.js'
import { HASHING, partOf, randomBytes, treeOf } from './support.js'

const LIMITS: FetcherLimits = {
  window: 4,
  againMs: 50,
  patienceMs: 200,
  turnMs: 2_000,
  keepMs: 10_000,
}

/** A clock and a queue: what is due first comes first. */
class Turns {
  now = 0
  #n = 0
  #due: { at: number; n: number; task: () => void }[] = []

  after(ms: number, task: () => void): void {
    this.#due.push({ at: this.now + ms, n: this.#n++, task })
  }

  /** False: nothing is left before `until`. */
  step(until: number): boolean {
    this.#due.sort((a, b) => a.at - b.at || a.n - b.n)
    const next = this.#due[0]
    if (next === undefined || next.at > until) return false
    this.#due.shift()
    this.now = next.at
    next.task()
    return true
  }
}

/** One node's disk and shelf. */
class Node {
  readonly store: SnapshotStore
  readonly shelf: Shelf
  readonly fs: MemoryFileSystem
  snapshot: SnapshotMeta | null = null
  /** Parts that it gave out. */
  served = 0

  constructor(turns: Turns) {
    this.fs = new MemoryFileSystem({ soon: (_operation, _path, task) => turns.after(0, task) })
    this.store = new SnapshotStore(this.fs, '/snap', {
      newHasher: () => new TreeHasher(HASHING),
      soon: (task) => turns.after(0, task),
    })
    this.shelf = new Shelf(
      {
        newest: () => this.snapshot?.index ?? 0,
        open: (index, done) =>
          this.store.openToSend(index, (_error, reader) =>
            done(reader === null ? null : openFile(reader, () => {})),
          ),
        soon: (task) => turns.after(0, task),
      },
      HASHING,
    )
  }

  hold(turns: Turns, index: number, content: Uint8Array): SnapshotMeta {
    this.store.write(index, [content], (_error, file) => {
      if (file === null) throw new Error('not written')
      const configuration = { voters: [], votersOutgoing: [], learners: [], learnersNext: [] }
      this.snapshot = { ...file, term: 0, time: 0, configuration } as unknown as SnapshotMeta
    })
    while (turns.step(turns.now));
    if (this.snapshot === null) throw new Error('not held')
    return this.snapshot
  }
}

type Answer = (part: Uint8Array | null) => { part: Uint8Array | null; afterMs?: number } | null

const HONEST: Answer = (part) => ({ part })
const SILENT: Answer = () => null

function fetching(content: Uint8Array, answers: { [id: string]: Answer }, own?: Uint8Array) {
  const turns = new Turns()
  const source = new Node(turns)
  const target = source.hold(turns, 70, content)
  const self = new Node(turns)
  if (own !== undefined) self.hold(turns, 40, own)
  const asked: { from: string; part: PartName }[] = []
  const failures: string[] = []
  let receivedFrom: string | null = null
  const fetcher: Fetcher = new Fetcher(
    {
      own: (name, done) => self.shelf.part(name, done),
      openTarget: (meta, done) =>
        self.store.receive(meta.index, (_error, receiving) =>
          done(
            receiving === null
              ? null
              : targetFile(receiving, meta, { failed: () => {}, over: () => {} }),
          ),
        ),
      ask: (from, snapshot, part) => {
        asked.push({ from, part })
        source.shelf.partOf(snapshot, part, (found) => {
          const answer = answers[from]?.(found) ?? null
          if (answer !== null)
            turns.after(answer.afterMs ?? 1, () => fetcher.answered(from, part, answer.part))
        })
      },
      leave: () => {},
      received: (from) => {
        receivedFrom = from
      },
      after: (ms, task) => turns.after(ms, task),
    },
    HASHING,
    LIMITS,
  )
  /** As the core does: who failed is followed by the next. */
  const run = (order: readonly string[], untilMs = 60_000): string | null => {
    let turn = 0
    const next = (): void => {
      const from = order[turn++ % order.length] ?? ''
      fetcher.fetch(from, target, (why) => {
        failures.push(`${from} ${why}`)
        next()
      })
    }
    next()
    while (receivedFrom === null && turns.step(untilMs));
    while (turns.step(turns.now));
    return receivedFrom
  }
  const fileOf = (index: number) => {
    let bytes: Uint8Array | null = null
    self.store.read({ ...target, index }, (_error, pieces) => {
      bytes = pieces === null ? null : concat(pieces)
    })
    while (turns.step(turns.now));
    return bytes
  }
  return { run, fetcher, asked, failures, target, source, self, turns, file: () => fileOf(70) }
}

describe('a snapshot is fetched', () => {
  it('whole, from one honest source, each part asked for once', () => {
    const content = randomBytes(1, 6_000)
    const { run, asked, failures, fetcher, file } = fetching(content, { a: HONEST })
    expect(run(['a'])).toBe('a')
    expect(file()).toEqual(content)
    expect(failures).toEqual([])
    expect(new Set(asked.map(({ part }) => part)).size).toBe(asked.length)
    expect(fetcher.counts).toEqual({ fetched: asked.length, ours: 0, lies: 0 })
  })

  it('as an empty one too', () => {
    const { run, file } = fetching(new Uint8Array(0), { a: HONEST })
    expect(run(['a'])).toBe('a')
    expect(file()).toEqual(new Uint8Array(0))
  })

  it('only where it differs from our own last one', () => {
    const own = randomBytes(1, 20_000)
    // A stretch in the middle is another, and the head has grown by three bytes.
    const content = concat([
      randomBytes(8, 3),
      own.slice(0, 9_000),
      randomBytes(9, 50),
      own.slice(9_050),
    ])
    const { run, asked, fetcher, file } = fetching(content, { a: HONEST }, own)
    expect(run(['a'])).toBe('a')
    expect(file()).toEqual(content)
    const ours = treeOf(own)
    const theirs = treeOf(content)
    const chunks = asked.filter(({ part }) => theirs.chunk(part) !== null)
    for (const { part } of chunks) expect(ours.chunk(part)).toBeNull()
    expect(theirs.chunkCount).toBeGreaterThan(150)
    // Where it was cut into, and what the cuts need to find themselves again.
    expect(chunks.length).toBeLessThan(12)
    expect(fetcher.counts.ours).toBeGreaterThan(140)
  })

  it('without a question where our own last one is the very same', () => {
    const content = randomBytes(1, 5_000)
    const { run, asked, file } = fetching(content, { a: HONEST }, content)
    expect(run(['a'])).toBe('a')
    expect(asked).toEqual([])
    expect(file()).toEqual(content)
  })

  it('although parts of it are lost, come twice and in another order', () => {
    const content = randomBytes(1, 6_000)
    const random = seededRandom(11)
    const { run, failures, file, turns, fetcher } = fetching(content, {
      a: (part) =>
        nextInt(random, 1, 100) <= 20 ? null : { part, afterMs: nextInt(random, 1, 20) },
    })
    expect(run(['a'])).toBe('a')
    expect(file()).toEqual(content)
    expect(failures.filter((why) => why !== 'a silent' && why !== 'a slow')).toEqual([])
    expect(turns.now).toBeLessThan(60_000)
    expect(fetcher.counts.lies).toBe(0)
  })
})

describe('a source that', () => {
  const content = randomBytes(1, 6_000)
  it('lies about any one part costs one retry, and what came before stays', () => {
    const honest = fetching(content, { b: HONEST })
    honest.run(['b'])
    const count = honest.asked.length
    expect(count).toBeGreaterThan(40)
    for (let lieAt = 0; lieAt < count; lieAt += 3) {
      let n = 0
      const liar: Answer = (part) => ({
        part: part !== null && n++ === lieAt ? part.with(part.length - 1, part.at(-1)! ^ 1) : part,
      })
      const { run, failures, fetcher, file, asked } = fetching(content, { l: liar, b: HONEST })
      expect(run(['l', 'b'])).toBe('b')
      expect(failures).toEqual(['l lied'])
      expect(fetcher.counts).toEqual({ fetched: count, ours: 0, lies: 1 })
      // What the liar was asked for and had not told is asked for once more, and nothing else.
      expect(asked.length).toBeLessThanOrEqual(count + LIMITS.window)
      expect(file()).toEqual(content)
    }
  })

  const bad: { why: string; answer: Answer; failure: string }[] = [
    { why: 'lies always', answer: (part) => ({ part: part?.with(0, 7) ?? null }), failure: 'lied' },
    { why: 'answers with nothing', answer: () => ({ part: new Uint8Array(0) }), failure: 'lied' },
    {
      why: 'answers with far too much',
      answer: () => ({ part: randomBytes(1, 9_999) }),
      failure: 'lied',
    },
    { why: 'says nothing', answer: SILENT, failure: 'silent' },
    { why: 'has it not', answer: () => ({ part: null }), failure: 'has it not' },
    {
      why: 'answers later than anybody waits',
      answer: (part) => ({ part, afterMs: 500 }),
      failure: 'silent',
    },
  ]
  for (const { why, answer, failure } of bad)
    it(`${why} costs one retry`, () => {
      const { run, failures, file, turns } = fetching(content, { l: answer, b: HONEST })
      expect(run(['l', 'b'])).toBe('b')
      expect(failures).toEqual([`l ${failure}`])
      expect(file()).toEqual(content)
      expect(turns.now).toBeLessThan(LIMITS.patienceMs + 1_000)
    })

  it('is slow just inside our patience has its turn, and no more', () => {
    let n = 0
    // A window of parts now and then: never silent.
    const slow: Answer = (part) => ({ part, afterMs: n++ % 4 === 0 ? 170 : 1 })
    const large = randomBytes(1, 60_000)
    const { run, failures, file, turns } = fetching(large, { l: slow, b: HONEST })
    expect(run(['l', 'b'])).toBe('b')
    expect(failures).toEqual(['l slow'])
    expect(file()).toEqual(large)
    expect(turns.now).toBeLessThan(LIMITS.turnMs + 2_000)
  })

  it('is alone and lies gives nothing its name, and no rest stays', () => {
    const { run, self, file, turns, fetcher } = fetching(content, {
      l: (part) => ({ part: part?.with(1, 3) ?? null }),
    })
    expect(run(['l'], 5_000)).toBeNull()
    expect(file()).toBeNull()
    fetcher.close()
    while (turns.step(turns.now + 60_000));
    expect(self.fs.paths()).toEqual([])
  })
})

describe('the fetcher', () => {
  it('begins anew for another snapshot, and leaves nothing of the one before', () => {
    const content = randomBytes(1, 6_000)
    const { fetcher, target, self, turns, source } = fetching(content, { b: HONEST, s: SILENT })
    fetcher.fetch('s', target, () => {})
    while (turns.step(100));
    const newer = source.hold(turns, 90, randomBytes(2, 3_000))
    fetcher.fetch('b', newer, () => {})
    while (turns.step(1_000));
    expect(self.fs.paths()).toEqual(['/snap/snap-0000000000005a.snap'])
  })

  it('drops what nobody goes on with', () => {
    const { fetcher, target, self, turns } = fetching(randomBytes(1, 6_000), { s: SILENT })
    fetcher.fetch('s', target, () => {})
    while (turns.step(500));
    expect(self.fs.paths()).toEqual(['/snap/snap-00000000000046.snap.1.tmp'])
    while (turns.step(30_000));
    expect(self.fs.paths()).toEqual([])
  })
})

describe('the shelf', () => {
  it('goes on to give out a snapshot that a newer one has replaced', () => {
    const content = randomBytes(1, 6_000)
    const turns = new Turns()
    const node = new Node(turns)
    const first = node.hold(turns, 70, content)
    const told: (Uint8Array | null)[] = []
    node.shelf.partOf(first.digest, first.digest, (part) => told.push(part))
    while (turns.step(turns.now));
    node.hold(turns, 80, randomBytes(2, 500))
    node.store.removeBelow(80, () => {})
    while (turns.step(turns.now));
    const tree = treeOf(content)
    node.shelf.partOf(first.digest, first.digest, (part) => told.push(part))
    while (turns.step(turns.now));
    expect(told).toEqual([tree.node(first.digest), tree.node(first.digest)])
  })

  it('gives out nothing of a snapshot that it has not, nor of a file that is damaged', () => {
    const turns = new Turns()
    const node = new Node(turns)
    const { digest } = node.hold(turns, 70, randomBytes(1, 6_000))
    const told: (Uint8Array | null)[] = []
    node.shelf.partOf('00'.repeat(32), digest, (part) => told.push(part))
    node.fs.alter('/snap/snap-00000000000046.snap', 500, (bytes) => {
      bytes[0] = (bytes[0] ?? 0) ^ 1
    })
    node.shelf.partOf(digest, digest, (part) => told.push(part))
    while (turns.step(turns.now));
    expect(told).toEqual([null, null])
  })

  it('answers each part of the tree, and no other', () => {
    const content = randomBytes(1, 3_000)
    const turns = new Turns()
    const node = new Node(turns)
    const { digest } = node.hold(turns, 70, content)
    const tree = treeOf(content)
    let asked = 0
    const visit = (name: PartName): void => {
      asked++
      node.shelf.partOf(digest, name, (part) => expect(part).toEqual(partOf(content, tree, name)))
      while (turns.step(turns.now));
    }
    visit(digest)
    visit('11'.repeat(32))
    visit('not a name')
    expect(asked).toBe(3)
  })
})
