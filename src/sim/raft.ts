/** Raft in the simulator. */
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type Raft,
  raft,
} from '../consensus/raft/index.js'
import type { WalRecord } from '../consensus/raft/records.js'
import { RaftChecker } from './checkers/raft.js'
import { RAFT_MARKS } from './marks/raft-table.js'
import type { SimProtocol } from './protocol.js'

export const raftSim: SimProtocol<Message, WalRecord, Options, Raft> = {
  protocol: raft,
  options: (swarm) => ({
    ...DEFAULT_OPTIONS,
    electionTicks: swarm.electionTicks,
    heartbeatTicks: swarm.heartbeatTicks,
    snapshotEntries: swarm.snapshotEntries,
    keepEntries: swarm.keepEntries,
    entryRequestsMax: swarm.entryRequestsMax,
    appendEntriesMax: swarm.appendEntriesMax,
    inflightMessagesMax: swarm.inflightMessagesMax,
  }),
  wallClock: false,
  marks: RAFT_MARKS,
  quorum: (n) => Math.floor(n / 2) + 1,
  newChecker: () => new RaftChecker(),
}
