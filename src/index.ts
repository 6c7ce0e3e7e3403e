/** A node inside your own process, with your own state machine. */

export type { ApplyContext, StateMachine } from './machine/state-machine.js'
export type { NodeOptions, QuorateNode, QuorateNodeStatus } from './node/create-node.js'
export { createNode, SubmitError } from './node/create-node.js'
export { NodeError } from './node/errors.js'
export { VERSION } from './version.js'
