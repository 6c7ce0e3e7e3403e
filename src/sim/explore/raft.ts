/** Raft's real core in small worlds: its clockwork made abstract, and what of its state no future can see. */
import { assert, present } from '../../base/assert.js'
import { seededRandom } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import { mayCampaign } from '../../consensus/raft/election.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  Raft,
  raft,
  type State,
  type WalRecord,
} from '../../consensus/raft/index.js'
import { checkState, checkTransition, remember } from '../../consensus/raft/invariants.js'
import type { LogEntry } from '../../consensus/raft/messages.js'
import { bootstrapEntry } from '../../consensus/raft/records.js'
import { type Adapter, NOW_MS, type Timer } from './adapter.js'
import { encodePlain } from './plain.js'
import {
  checkLeaving,
  judge,
  NO_GHOST,
  type RaftFacts,
  type RaftGhost,
  renameGhost,
} from './raft-promises.js'
import { describeCore, describeMessage } from './raft-words.js'

export type RaftAdapter = Adapter<Message, WalRecord, Options, Raft, RaftFacts, RaftGhost>

/** Any numbers do, as long as there is room between the events that are told apart. */
const ELECTION_TICKS = 10
const HEARTBEAT_TICKS = 2

export interface RaftWorldOptions {
  readonly nodes: number
  /** No node begins an election above this term. */
  readonly termMax: number
  readonly appendEntriesMax?: number
}

export function raftAdapter(given: RaftWorldOptions): RaftAdapter {
  const members = Array.from({ length: given.nodes }, (_, i) => `n${i + 1}`)
  const options: Options = {
    ...DEFAULT_OPTIONS,
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: HEARTBEAT_TICKS,
    inflightMessagesMax: 2,
    ...(given.appendEntriesMax === undefined ? {} : { appendEntriesMax: given.appendEntriesMax }),
  }
  const bootstrap = raft.bootstrap(members.map((id) => ({ id, uid: `uid-${id}` })))
  assert(bootstrap.type === 'Bootstrap')
  const first = bootstrapEntry(bootstrap.members)
  const shared = new Set<object>([options, bootstrap, first, present(first.configuration)])
  const textOf = (entry: LogEntry) => encodePlain([entry.term, entry.requests], shared)
  return {
    protocol: raft,
    options,
    members,
    bootstrap,
    shared,
    timers: timersOf(given.termMax),
    stateOf: (core) => core.state,
    coreOf: (state) => new Raft(state as State),
    normalise: (core) => normalise(core.state, first),
    beforeReceive,
    compact: (id, records) => compact(id, records, { options, bootstrap }),
    mayPropose: (core) => core.state.role.type === 'leader',
    checkStep: (before, after) =>
      (before === null ? null : checkTransition(remember(before.state), after.state)) ??
      checkState(after.state),
    checkLeaving,
    factsOf: (core, disk) => factsOf(core.state, disk, textOf),
    noGhost: NO_GHOST,
    judge,
    renameGhost,
    describeMessage,
    describeCore,
  }
}

/**
 * Time is free: at any moment any of it may have passed at a node and none at another, which is more than any clock does.
 * So a timer may fire whenever it could, and how far it had come needs no place in a world. A leader without a
 * majority steps down after two checks without an answer between them: that may be at any moment too.
 */
function timersOf(termMax: number): Timer<Raft>[] {
  return [
    {
      name: 'election timeout',
      cost: 'timeouts',
      enabled: ({ state }) =>
        state.role.type !== 'leader' && mayCampaign(state) && state.term < termMax,
      arm: ({ state }) => {
        state.electionElapsed = state.electionTimeout - 1
      },
    },
    {
      name: 'heartbeat',
      cost: 'resends',
      enabled: ({ state }) => state.role.type === 'leader',
      arm: ({ state }) => {
        if (state.role.type === 'leader') state.role.heartbeatElapsed = HEARTBEAT_TICKS - 1
      },
    },
    {
      name: 'asks for votes again',
      cost: 'resends',
      enabled: ({ state }) =>
        state.role.type === 'pre-candidate' || state.role.type === 'candidate',
      arm: ({ state }) => {
        state.electionElapsed = HEARTBEAT_TICKS - 1
      },
    },
    {
      name: 'no answers from a majority',
      cost: 'stepDowns',
      enabled: ({ state }) => state.role.type === 'leader',
      arm: ({ state }) => {
        state.electionElapsed = ELECTION_TICKS - 1
      },
    },
  ]
}

/**
 * A follower that heard its leader within the minimum timeout passes over a vote asked of it, which is as if the message
 * were lost: the search has that among the drops. Here that time has passed.
 */
function beforeReceive({ state }: Raft, message: Message): void {
  const asks = message.type === 'PreVote' || message.type === 'RequestVote'
  if (asks && state.role.type === 'follower') state.electionElapsed = ELECTION_TICKS
}

/** Each line says why no step can tell the representative from what it replaces. */
function normalise(s: State, first: LogEntry): number {
  // Draws decide election timeouts only, and those are abstract.
  Object.assign(s.random, seededRandom(1))
  // Every way in which the clockwork is read is armed before the step that reads it.
  s.electionTimeout = 2 * ELECTION_TICKS - 1
  s.electionElapsed = 0
  // The clock stands still: all entries are of one time. Before the first tick it shows nothing, which only a transfer asks
  // about, and there are none.
  s.now = NOW_MS
  // Counts ticks until the disk is taken for hung: a disk as slow as that is not in these worlds.
  s.unsynced = { batch: 0, ticks: 0 }
  // Against bounds of megabytes, for snapshots that a handful of entries never brings about.
  s.appliedBytesSinceSnapshot = 0
  // The first entry is the same everywhere: one object for all, which is also how renaming passes it by.
  const begin = s.log.entries[0]
  if (begin !== undefined && begin.index === first.index) s.log.entries[0] = first
  for (const [i, at] of s.configurations.entries())
    if (at.index === first.index)
      s.configurations[i] = { index: at.index, configuration: present(first.configuration) }
  if (s.role.type === 'leader') normaliseLeader(s.role)
  return normaliseBatches(s)
}

function normaliseLeader(role: State['role'] & { type: 'leader' }): void {
  role.heartbeatElapsed = 0
  for (const p of role.progress.values()) {
    // Both are read by a check for a quorum only, and that is abstract.
    p.recentActive = false
    // Read by ticks between heartbeats, which are none of the events here, and by reads, of which there are none.
    p.sentCommit = 0
  }
}

/** Batches are compared with the last one on disk and with nothing else, and that only grows: it becomes 0. */
function normaliseBatches(s: State): number {
  const zero = s.persistedBatch
  if (zero === 0) return 0
  s.persistedBatch = 0
  s.batch -= zero
  s.log.batches = s.log.batches.map((batch) => Math.max(0, batch - zero))
  if (s.role.type === 'candidate')
    s.role = { ...s.role, voteBatch: Math.max(0, s.role.voteBatch - zero) }
  return zero
}

/** What recovery makes of them, written down again: the fold goes on from what it has folded. */
function compact(
  id: NodeId,
  records: readonly WalRecord[],
  given: { readonly options: Options; readonly bootstrap: WalRecord },
): WalRecord[] {
  const self = { id, seed: 1, incarnation: 1 }
  const { state } = raft.recover(records, self, given.options).core
  const { term, votedFor } = state
  const entries = state.log.entries.slice(1)
  return [
    given.bootstrap,
    { type: 'HardState', term, votedFor },
    ...(entries.length === 0 ? [] : [{ type: 'Append' as const, entries }]),
  ]
}

function factsOf(
  s: State,
  disk: readonly WalRecord[],
  textOf: (entry: LogEntry) => string,
): RaftFacts {
  const durable: string[] = ['']
  for (const record of disk)
    if (record.type === 'Append') durable.push(...record.entries.map(textOf))
  return {
    term: s.term,
    leads: s.role.type === 'leader',
    commitIndex: s.commitIndex,
    terms: s.log.entries.map((entry) => entry.term),
    // The first entry is everywhere by construction.
    log: s.log.entries.map((entry, i) => (i === 0 ? '' : textOf(entry))),
    durable,
  }
}
