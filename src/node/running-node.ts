/** What a node is made of beside its configuration, and what whoever started it holds of it. */
import type { StateMachine } from '../machine/state-machine.js'
import type { Log } from './log.js'
import type { NodeReplica } from './node-replica.js'

export interface NodeParts {
  /** Default: the key-value store. */
  readonly machine?: StateMachine
  readonly log?: Log
}

export interface RunningNode {
  /** `host:port`; null: no client port. */
  readonly clientEndpoint: string | null
  readonly peerEndpoint: string
  readonly replica: NodeReplica
  /** Resolves after `close`; rejects with NodeError when the node cannot go on. */
  readonly closed: Promise<void>
  close(): Promise<void>
}
