/** A search over one of the worlds, ready to go on. */
import { walk } from './begin.js'
import { raftAdapter } from './raft.js'
import type { RaftWorld } from './raft-worlds.js'
import { type Found, type Progress, Search } from './search.js'
import { Worlds } from './worlds.js'

export interface Exploration {
  readonly found: Found | null
  readonly complete: boolean
  readonly progress: Progress
  advance(worlds: number): boolean
}

export interface ExploreOptions {
  /** Check also that the disk vouches for each message as it leaves. Default true. */
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
