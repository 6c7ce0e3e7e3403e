/** The search of small worlds: whole spaces that must come out the same however they are counted, and what it would say. */
import { describe, expect, it } from 'vitest'
import { pick, seededRandom } from '../../../src/base/random.js'
import { Raft, raft, type State } from '../../../src/consensus/raft/index.js'
import type { RaftWorld } from '../../../src/sim/explore/index.js'
import { type ExploreOptions, exploreRaft, RAFT_WORLDS } from '../../../src/sim/explore/index.js'
import type { RaftAdapter } from '../../../src/sim/explore/raft.js'
import { raftAdapter } from '../../../src/sim/explore/raft.js'
import { Search } from '../../../src/sim/explore/search.js'
import { Worlds } from '../../../src/sim/explore/worlds.js'

function world(name: string): RaftWorld {
  const found = RAFT_WORLDS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no world ${name}`)
  return found
}

function explored(given: RaftWorld, options: ExploreOptions = {}, statesMax = 1_000_000) {
  const exploration = exploreRaft(given, options)
  while (exploration.progress.states < statesMax && exploration.advance(500));
  return exploration
}

const SMALLEST = world('smallest')

/** The real adapter with one thing changed in the core's step: a bug that is ours to choose. */
function broken(change: (adapter: RaftAdapter) => Partial<RaftAdapter>, given = SMALLEST) {
  const adapter = raftAdapter({ nodes: 3, termMax: 1 + given.bounds.terms })
  const worlds = new Worlds({ ...adapter, ...change(adapter) }, given.bounds, { promises: false })
  const search = new Search(worlds, worlds.initial())
  while (search.progress.states < 1_000_000 && search.advance(500));
  return search
}

describe('small worlds of Raft', () => {
  it('sees the whole of the smallest one, and nothing in it breaks a promise', () => {
    const { found, complete, progress } = explored(SMALLEST)
    expect(found).toBeNull()
    expect(complete).toBe(true)
    // As in docs/small-worlds.md. Another number means that the core can do more, or less, than it could: look why, then
    // write it down here and there.
    expect(progress).toMatchObject({ states: 3_229, transitions: 9_702, depth: 28 })
  })

  it('comes to the same worlds, each up to six times, when it tells the names of the nodes apart', () => {
    const small = { ...SMALLEST, bounds: { ...SMALLEST.bounds, timeouts: 1 } }
    const orbits = explored(small)
    const all = explored(small, { symmetry: false })
    expect(all.complete && orbits.complete).toBe(true)
    expect(all.progress.depth).toBe(orbits.progress.depth)
    // Every world but those that renaming leaves as they are stands for itself and its renamed ones.
    const { states } = orbits.progress
    expect(all.progress.states).toBeGreaterThan(4 * states)
    expect(all.progress.states).toBeLessThanOrEqual(6 * states)
  })

  it('can do the same from a world and from the one that stands for it', () => {
    const given = world('entry-lost')
    const worlds = new Worlds(raftAdapter({ nodes: 3, termMax: 4 }), given.bounds)
    const canonical = new Int32Array(worlds.width)
    const futures = (from: Int32Array): string[] => {
      const found = new Set<string>()
      worlds.moves(Int32Array.from(from), (_, next, wrong) => {
        worlds.canonical(next, canonical)
        found.add(`${canonical.join()} ${wrong}`)
      })
      return [...found].sort()
    }
    const random = seededRandom(3)
    let renamed = 0
    for (let run = 0; run < 20; run++) {
      let at = worlds.initial()
      for (let i = 0; i < 40; i++) {
        const nexts: Int32Array[] = []
        worlds.moves(at, (_, next) => nexts.push(Int32Array.from(next)))
        if (nexts.length === 0) break
        at = pick(random, nexts)
        const standing = new Int32Array(worlds.width)
        worlds.canonical(at, standing)
        if (standing.join() !== at.join()) renamed++
        expect(futures(standing)).toEqual(futures(at))
      }
    }
    expect(renamed).toBeGreaterThan(100)
  })

  it('is the same search every time', () => {
    const once = explored(SMALLEST, {}, 2_000).progress
    expect(explored(SMALLEST, {}, 2_000).progress).toEqual(once)
  })

  it('begins where a leader is elected, if asked to, and reaches what follows', () => {
    const entry = world('entry')
    const { found, progress } = explored(entry, {}, 20_000)
    expect(found).toBeNull()
    expect(progress.states).toBeGreaterThanOrEqual(20_000)
  })
})

describe('what the search finds', () => {
  it('finds two leaders of a term where nodes forget whom they voted for', () => {
    // One flight more than the smallest world has, since two candidates ask at once, and neither hears of the other.
    const bounds = { ...SMALLEST.bounds, flights: 5 }
    const { found } = broken(
      (adapter) => ({
        normalise: (core) => {
          if (core.state.role.type === 'follower') core.state.votedFor = null
          return adapter.normalise(core)
        },
        compact: (id, records) =>
          adapter.compact(
            id,
            records.map((one) => (one.type === 'HardState' ? { ...one, votedFor: null } : one)),
          ),
        checkStep: () => null,
      }),
      { ...SMALLEST, bounds },
    )
    expect(found?.broken).toBe('election safety: two nodes led term 2')
    expect(found?.path.length).toBeLessThan(20)
  })

  it('tells the way in moves that can be followed, each with what became of the node', () => {
    const { found } = broken(
      (adapter) => ({
        judge: (ghost, facts, at) =>
          facts[at]?.leads === true ? 'somebody leads' : adapter.judge(ghost, facts, at),
      }),
      { ...SMALLEST, bounds: { ...SMALLEST.bounds, flights: 4 } },
    )
    expect(found?.broken).toBe('somebody leads')
    // Pre-vote, its answer, own vote to disk, vote asked, vote to disk, answer: no way is shorter.
    expect(found?.path).toHaveLength(7)
    expect(found?.path[0]).toBe(
      'n1: election timeout; n1 is pre-candidate of term 1, log nothing, commit 1',
    )
    expect(found?.path.at(-1)).toMatch(/^n[23] -> n1: RequestVoteReply term 2, granted$/)
  })

  it('takes an assertion of the core for what it is: an impossible state was reached', () => {
    const { found } = broken((adapter) => ({
      beforeReceive: (core, message) => {
        adapter.beforeReceive(core, message)
        if (message.type === 'RequestVoteReply') core.state.votedFor = 'n3'
      },
    }))
    expect(found?.broken).toBeTypeOf('string')
  })
})

describe('a node in small worlds', () => {
  it('recovers to the same from the records of its disk and from what they were made of', () => {
    const adapter = raftAdapter({ nodes: 3, termMax: 4 })
    const entry = (index: number, term: number) => ({
      index,
      term,
      time: 0,
      requests: [],
      configuration: null,
      sizeBytes: 32,
    })
    const records = [
      adapter.bootstrap,
      { type: 'HardState', term: 2, votedFor: 'n1' } as const,
      { type: 'Append', entries: [entry(2, 2), entry(3, 2)] } as const,
      { type: 'HardState', term: 3, votedFor: null } as const,
      { type: 'Append', entries: [entry(3, 3)] } as const,
      { type: 'HardState', term: 3, votedFor: 'n2' } as const,
    ]
    const self = { id: 'n1', seed: 1, incarnation: 1 }
    for (let length = 1; length <= records.length; length++) {
      const before = adapter.compact('n1', records.slice(0, length))
      const again = raft.recover(before, self, adapter.options).core.state
      const plain = raft.recover(records.slice(0, length), self, adapter.options).core.state
      expect(again).toEqual(plain)
      // And under whatever comes behind.
      const rest = records.slice(length)
      expect(raft.recover([...before, ...rest], self, adapter.options).core.state).toEqual(
        raft.recover(records, self, adapter.options).core.state,
      )
    }
  })

  it('is one and the same under other batch numbers', () => {
    const adapter = raftAdapter({ nodes: 3, termMax: 4 })
    const { core } = adapter.protocol.recover(
      [adapter.bootstrap],
      { id: 'n1', seed: 1, incarnation: 1 },
      adapter.options,
    )
    const late = new Raft({ ...core.state, log: { ...core.state.log } } as State)
    late.state.batch = 7
    late.state.persistedBatch = 7
    expect(adapter.normalise(core)).toBe(0)
    expect(adapter.normalise(late)).toBe(7)
    expect(late.state).toEqual(core.state)
  })
})
