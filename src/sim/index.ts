/** The simulator: the production code on a simulated disk, network and clock. Pure, so a browser runs it too. */

export type { Application } from './application.js'
export type { Recorded } from './checkers/history.js'
export type { Diagram, Happening } from './diagram/diagram.js'
export { diagramHtml } from './diagram/html.js'
export { diagramMermaid } from './diagram/mermaid.js'
export { DiagramOfTrace } from './diagram/of-trace.js'
export { diagramText } from './diagram/text.js'
export { type EtcdSimOptions, etcdApplication } from './etcd/load.js'
export {
  FAULT_GROUPS,
  FAULT_KINDS,
  type FaultGroup,
  type FaultKind,
  liarKindOf,
} from './faults.js'
export type { ExecutedStrike, Strike } from './nemesis/strike.js'
export { pbftSim } from './pbft.js'
export type { SimProtocol } from './protocol.js'
export {
  isSimProtocol,
  type SimProtocolName,
  type Simulated,
  simProtocols,
} from './protocols.js'
export { raftSim } from './raft.js'
export {
  FAULTY_MS,
  HEAL_MS,
  type RunOptions,
  type SeedFailure,
  type SeedOptions,
  type SeedReport,
} from './run/options.js'
export { runSeed } from './run.js'
export { type Attempt, attempt, eventsOf } from './shrink/attempt.js'
export { parseRecipe, printRecipe, type Recipe, RecipeError, wholeRun } from './shrink/recipe.js'
export { type Progress, type Shrunk, shrink } from './shrink/shrink.js'
export type {
  Checks,
  Draw,
  SimulatedFailure,
  SimulatedOperation,
  SimulateOptions,
  SimulateReport,
} from './simulate/options.js'
export { simulate } from './simulate/simulate.js'
export { drawSwarm, type SwarmOptions } from './swarm.js'
