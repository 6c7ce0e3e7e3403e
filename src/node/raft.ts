/** A node that runs Raft. */
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type WalRecord,
} from '../consensus/raft/index.js'
import { NO_SEALS } from '../crypto/handshake-seals.js'
import { protocols } from '../protocols.js'
import type { NodeConfig } from './config.js'
import type { NodeProtocol } from './protocol.js'

export function raftOf(config: NodeConfig): NodeProtocol<Message, WalRecord> {
  const options = optionsOf(config)
  return {
    protocol: protocols.raft,
    recover: (records, self) => protocols.raft.recover(records, self, options),
    isBootstrapped: (records) =>
      records.some(
        (record) =>
          record.type === 'Bootstrap' ||
          record.type === 'Lost' ||
          (record.type === 'State' && record.snapshot !== null),
      ),
    wallClock: false,
    signing: null,
    seals: NO_SEALS,
    weakQuorum: 1,
    liars: null,
    details: () => undefined,
  }
}

function optionsOf({ timing, limits }: NodeConfig): Options {
  return {
    ...DEFAULT_OPTIONS,
    electionTicks: Math.max(2, Math.round(timing.electionTimeoutMs / timing.tickMs)),
    heartbeatTicks: Math.max(1, Math.round(timing.heartbeatMs / timing.tickMs)),
    snapshotEntries: limits.snapshotEntries,
    keepEntries: limits.keepEntries,
  }
}
