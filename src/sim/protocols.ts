/** The protocols that a seed can be run with, by name. */
import { raftSim } from './raft.js'

export const simProtocols = { raft: raftSim } as const

export type SimProtocolName = keyof typeof simProtocols
