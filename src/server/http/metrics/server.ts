/** Who leads, how far the log has come, and what became of what was asked: `etcd_server_`. */
import type { Outcomes } from '../../etcd/tallied-door.js'
import { ETCD_VERSION } from '../../etcd/version.js'
import type { Register } from './register.js'

export interface ServerView {
  readonly leader: string | null
  readonly isLeader: boolean
  readonly leaderChanges: number
  readonly term: number
  readonly committed: number
  readonly applied: number
  readonly pending: number
  readonly unsyncedBatches: number
}

export interface About {
  readonly version: string
  readonly protocol: string
  /** etcd's id of this member. */
  readonly memberId: string
}

export function describe(to: Register, { version, protocol, memberId }: About): void {
  to.fact('quorate_build_info', 'Version and protocol.', { version, protocol })
  to.fact('etcd_server_version', "Version of etcd's API.", { server_version: ETCD_VERSION })
  const cluster = ETCD_VERSION.replace(/\.\d+$/, '')
  to.fact('etcd_cluster_version', "Version of etcd's API.", { cluster_version: cluster })
  to.fact('etcd_server_id', 'Id of this member, in hex.', { server_id: hex(memberId) })
}

export function readServer(to: Register, server: () => ServerView): void {
  const flag = (value: boolean) => (value ? 1 : 0)
  to.gauge('etcd_server_has_leader', 'Whether a leader is known.', () =>
    flag(server().leader !== null),
  )
  to.gauge('etcd_server_is_leader', 'Whether this node leads.', () => flag(server().isLeader))
  to.gauge('etcd_server_is_learner', 'Whether this node is a learner: none is yet.', () => 0)
  to.counter(
    'etcd_server_leader_changes_seen_total',
    'Leaders this node came to know, one after another.',
    () => server().leaderChanges,
  )
  to.gauge(
    'etcd_server_proposals_committed_total',
    'Highest index known to be committed.',
    () => server().committed,
  )
  to.gauge(
    'etcd_server_proposals_applied_total',
    'Highest index that the state machine has executed.',
    () => server().applied,
  )
  to.gauge(
    'etcd_server_proposals_pending',
    'Requests whose outcome somebody waits for.',
    () => server().pending,
  )
  to.gauge('quorate_term', "Raft's term, PBFT's view.", () => server().term)
  to.gauge(
    'quorate_unsynced_batches',
    'Batches appended to the log and not known to be on disk.',
    () => server().unsyncedBatches,
  )
}

export function readOutcomes(to: Register, outcomes: Readonly<Outcomes>): void {
  to.counter(
    'etcd_server_proposals_failed_total',
    "Commands of etcd's clients that were refused, or of unknown outcome.",
    () => outcomes.proposalsFailed,
  )
  to.counter(
    'etcd_server_read_indexes_failed_total',
    'Linearizable reads that no quorum confirmed.',
    () => outcomes.readsFailed,
  )
  to.counter(
    'etcd_server_slow_read_indexes_total',
    'Linearizable reads that waited more than 0.5 s.',
    () => outcomes.readsSlow,
  )
}

export function hex(memberId: string): string {
  return BigInt(memberId).toString(16)
}
