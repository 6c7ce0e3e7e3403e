/** The one place that knows every protocol. */
import { raft } from './consensus/raft/index.js'

export const protocols = { raft } as const

export type ProtocolName = keyof typeof protocols
