/** The history checker: is what clients saw explained by some order in which things happened one at a time? */
export { type CheckOptions, type CheckResult, checkLinearizable } from './check.js'
export type { Counterexample } from './counterexample.js'
export { detectModel, MODEL_NAMES, type ModelName } from './detect.js'
export { FORMATS, type Format, type ReadOptions, readHistory } from './formats/lines.js'
export {
  type EventType,
  HistoryError,
  type HistoryEvent,
  type Operation,
  type ProcessId,
  pairEvents,
} from './history.js'
export { IMPOSSIBLE, type Model, type Space } from './model.js'
export { type CellOptions, casRegister, keyValue, lock, register } from './models/cells.js'
export { type MvccOptions, multiVersion } from './models/mvcc.js'
export { type Step, type StepModelOptions, stepModel } from './models/steps.js'
export { type PictureOptions, pictureOf } from './picture.js'
export { counterexampleRows, counterexampleWords, wordsOf } from './report.js'
export type { Value } from './value.js'
export {
  checkWatches,
  type WatchResult,
  type WatchRule,
  type WatchViolation,
} from './watch.js'
export { readWatchHistory, type WatchEvent, type WatchLine } from './watch-lines.js'
