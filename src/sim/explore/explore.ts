/** A search over one of the worlds, ready to go on. */
import { walk } from './begin.js'
import { beginWith } from './pbft/begin.js'
import type { PbftWorld } from './pbft/list.js'
import { PbftWorlds } from './pbft/worlds.js'
import { raftAdapter } from './raft.js'
import type { RaftWorld } from './raft-worlds.js'
import { type Found, type Progress, Search } from './search.js'
import { Walks } from './walks.js'
import { Worlds } from './worlds.js'

export interface Exploration {
  readonly found: Found | null
  readonly complete: boolean
  readonly progress: Progress
  advance(worlds: number): boolean
}

export interface ExploreOptions {
  /** Check also that the disk vouches for each message as it leaves. Default true. Raft only. */
  readonly promises?: boolean
  /** Take worlds that differ in the names of the nodes for one. Default true. */
  readonly symmetry?: boolean
}

export function exploreRaft(world: RaftWorld, options: ExploreOptions = {}): Exploration {
  const { bounds, appendEntriesMax, termsBegun, begin } = world
  const adapter = raftAdapter({
    nodes: 3,
    // The cluster is formed in term 1.
    termMax: 1 + termsBegun + bounds.terms,
    ...(appendEntriesMax === undefined ? {} : { appendEntriesMax }),
  })
  const worlds = new Worlds(adapter, bounds, options)
  return new Search(worlds, walk(worlds, begin))
}

export function explorePbft(world: PbftWorld, options: ExploreOptions = {}): Exploration {
  const worlds = new PbftWorlds(world, options)
  const first = beginWith(worlds, world.begin)
  return world.walksFrom === undefined
    ? new Search(worlds, first)
    : new Walks(worlds, first, world.walksFrom)
}
