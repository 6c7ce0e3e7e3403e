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
import { decodedOnce } from './decoded.js'
import { RAFT_MARKS } from './marks/raft-table.js'
import type { SimProtocol } from './protocol.js'

/**
 * Uncommitted requests for each entry that may travel at once: what is let in is worked off in some ten seconds, where a drawn
 * pipeline is so narrow that it takes one entry a round trip. With more a cluster that is well would not answer in a minute.
 */
const UNCOMMITTED_OF_ONE = 256

export const raftSim: SimProtocol<Message, WalRecord, Options, Raft> = {
  protocol: { ...raft, decodeMessage: decodedOnce(raft.decodeMessage) },
  options: (swarm) => ({
    ...DEFAULT_OPTIONS,
    electionTicks: swarm.electionTicks,
    heartbeatTicks: swarm.heartbeatTicks,
    snapshotEntries: swarm.snapshotEntries,
    keepEntries: swarm.keepEntries,
    entryRequestsMax: swarm.entryRequestsMax,
    appendEntriesMax: swarm.appendEntriesMax,
    inflightMessagesMax: swarm.inflightMessagesMax,
    uncommittedRequestsMax: Math.min(
      DEFAULT_OPTIONS.uncommittedRequestsMax,
      UNCOMMITTED_OF_ONE * swarm.appendEntriesMax * swarm.inflightMessagesMax,
    ),
  }),
  wallClock: false,
  marks: RAFT_MARKS,
  quorum: (n) => Math.floor(n / 2) + 1,
  newChecker: () => new RaftChecker(),
}
