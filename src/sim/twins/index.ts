/** Twins: two nodes with one key, all partitions in two of four rounds, and messages that are a little wrong. */
export {
  numbersOf,
  parseScenario,
  printScenario,
  type Scenario,
  type Space,
  scenarioOf,
} from './scenario.js'
export { play, type Verdict } from './world.js'
