/** Exhaustive search of small worlds: real cores, every order of what can happen to them. */
export { type Exploration, type ExploreOptions, explorePbft, exploreRaft } from './explore.js'
export { PBFT_WORLDS, type PbftWorld } from './pbft/list.js'
export { RAFT_WORLDS, type RaftWorld } from './raft-worlds.js'
export type { Found, Progress } from './search.js'
