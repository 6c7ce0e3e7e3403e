/** The simulator: the production code on a simulated disk, network and clock. Pure, so a browser runs it too. */
export { FAULT_GROUPS, FAULT_KINDS, type FaultGroup, type FaultKind } from './faults.js'
export type { ExecutedStrike, Strike } from './nemesis/strike.js'
export type { SimProtocol } from './protocol.js'
export { type SimProtocolName, simProtocols } from './protocols.js'
export { raftSim } from './raft.js'
export { FAULTY_MS, type SeedFailure, type SeedOptions, type SeedReport } from './run/options.js'
export { runSeed } from './run.js'
export { drawSwarm, type SwarmOptions } from './swarm.js'
