/** The one place that knows every protocol. */
import { pbft } from './consensus/pbft/index.js'
import { raft } from './consensus/raft/index.js'

export const protocols = { raft, pbft } as const

export type ProtocolName = keyof typeof protocols
