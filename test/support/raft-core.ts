/** One Raft core in the role a test needs, reached by inputs alone. Its disk syncs when `persist` says so. */
import type { Configuration, Effect, Input, Outcome } from '../../src/consensus/contract.js'
import type { NodeId } from '../../src/consensus/ids.js'
import {
  type Message,
  type Options,
  type Raft,
  raft,
  type WalRecord,
} from '../../src/consensus/raft/index.js'
import type {
  AppendEntries,
  AppendEntriesReply,
  LogEntry,
} from '../../src/consensus/raft/messages.js'
import { TEST_OPTIONS } from './raft-cluster.js'

export type Effects = Effect<Message, WalRecord>[]
export type Sent = { readonly to: NodeId; readonly message: Message }

export function entry(
  index: number,
  term: number,
  configuration: Configuration | null = null,
): LogEntry {
  return { index, term, time: 0, requests: [], configuration, sizeBytes: 40 }
}

/** Entries from `from` on, one of each term in `terms`. */
export function entriesOf(from: number, ...terms: number[]): LogEntry[] {
  return terms.map((term, i) => entry(from + i, term))
}

/**
 * A follower n1 of n1..n3 after a start. `log`: the terms of the entries behind the bootstrap entry, which has index 1
 * and term 1 and is committed.
 */
export function coreOf(
  given: {
    members?: readonly NodeId[]
    log?: readonly number[]
    term?: number
    votedFor?: NodeId | null
    options?: Partial<Options>
  } = {},
): Raft {
  const members = given.members ?? ['n1', 'n2', 'n3']
  const log = given.log ?? []
  const term = given.term ?? log.at(-1) ?? 1
  const records: WalRecord[] = [
    raft.bootstrap(members.map((id) => ({ id, uid: `u-${id}` }))),
    { type: 'HardState', term, votedFor: given.votedFor ?? null },
  ]
  if (log.length > 0) records.push({ type: 'Append', entries: entriesOf(2, ...log) })
  const self = { id: 'n1', seed: 7, incarnation: 1001 }
  return raft.recover(records, self, { ...TEST_OPTIONS, ...given.options }).core
}

const clocks = new WeakMap<Raft, number>()

export function tick(core: Raft, count = 1, nextDeadline: number | null = null): Effects {
  const effects: Effects = []
  for (let i = 0; i < count; i++) {
    const now = (clocks.get(core) ?? 0) + 20
    clocks.set(core, now)
    effects.push(...core.step({ type: 'Tick', now, nextDeadline }))
  }
  return effects
}

export function receive(core: Raft, from: NodeId, message: Message): Effects {
  return core.step({ type: 'Receive', from, message })
}

export function propose(core: Raft, count = 1, bytes = 10): Effects {
  const requests = Array.from({ length: count }, (_, i) => ({
    session: 1,
    seq: i + 1,
    ackedThrough: 0,
    command: new Uint8Array(bytes),
  }))
  return core.step({ type: 'Propose', requests })
}

/** All that was emitted so far is on disk. */
export function persist(core: Raft): Effects {
  return core.step({ type: 'Persisted', batch: core.state.batch })
}

export function step(core: Raft, input: Input<Message>): Effects {
  return core.step(input)
}

export function sends(effects: Effects): Sent[] {
  return effects.flatMap((effect) =>
    effect.type === 'Send' ? [{ to: effect.to, message: effect.message }] : [],
  )
}

export function sentOf<T extends Message['type']>(
  effects: Effects,
  type: T,
): Extract<Message, { type: T }>[] {
  return sends(effects).flatMap(({ message }) =>
    message.type === type ? [message as Extract<Message, { type: T }>] : [],
  )
}

export function records(effects: Effects): WalRecord[] {
  return effects.flatMap((effect) => (effect.type === 'Persist' ? [...effect.records] : []))
}

export function notes(effects: Effects): string[] {
  return effects.flatMap((effect) => (effect.type === 'Note' ? [effect.note.event] : []))
}

export function answers(effects: Effects): Outcome[] {
  return effects.flatMap((effect) => (effect.type === 'Answer' ? [effect.outcome] : []))
}

export function appliedIndices(effects: Effects): number[] {
  return effects.flatMap((effect) =>
    effect.type === 'Apply' ? effect.entries.map((one) => one.index) : [],
  )
}

export function logTerms(core: Raft): number[] {
  return core.state.log.entries.map((one) => one.term)
}

/** Time passes until it asks for pre-votes. */
export function toPreCandidate(core: Raft): Effects {
  const effects: Effects = []
  for (let i = 0; i < 50 && core.state.role.type === 'follower'; i++) effects.push(...tick(core))
  return effects
}

/** All peers grant the pre-vote. Its own vote is not on disk yet. */
export function toCandidate(core: Raft): Effects {
  toPreCandidate(core)
  const effects: Effects = []
  for (const from of core.status().configuration.voters)
    if (from !== core.state.id && core.state.role.type === 'pre-candidate')
      effects.push(
        ...receive(core, from, {
          type: 'PreVoteReply',
          term: core.state.term + 1,
          voteGranted: true,
        }),
      )
  return effects
}

/** All peers vote for it. Its first entry is not on disk yet. */
export function toLeader(core: Raft): Effects {
  toCandidate(core)
  const effects = persist(core)
  for (const from of core.status().configuration.voters)
    if (from !== core.state.id && core.state.role.type === 'candidate')
      effects.push(
        ...receive(core, from, {
          type: 'RequestVoteReply',
          term: core.state.term,
          voteGranted: true,
        }),
      )
  return effects
}

export function accept(
  core: Raft,
  from: NodeId,
  matchIndex: number,
  part: { term?: number; round?: number; incarnation?: number } = {},
): Effects {
  return receive(core, from, {
    type: 'AppendEntriesReply',
    term: part.term ?? core.state.term,
    round: part.round ?? 0,
    incarnation: part.incarnation ?? 5,
    accepted: true,
    matchIndex,
  })
}

export function reject(
  core: Raft,
  from: NodeId,
  rejected: number,
  hint: { index: number; term: number },
): Effects {
  return receive(core, from, {
    type: 'AppendEntriesReply',
    term: core.state.term,
    round: 0,
    incarnation: 5,
    accepted: false,
    rejected,
    hint,
  })
}

/** From n2, which leads the given term. */
export function append(
  core: Raft,
  part: Partial<AppendEntries> & { prev: AppendEntries['prev'] },
): Effects {
  return receive(core, 'n2', {
    type: 'AppendEntries',
    term: core.state.term,
    entries: [],
    leaderCommit: 0,
    round: 0,
    agreedTime: 0,
    ...part,
  })
}

export function replyOf(effects: Effects): AppendEntriesReply {
  const reply = sentOf(effects, 'AppendEntriesReply')[0]
  if (reply === undefined) throw new Error('no AppendEntriesReply')
  return reply
}
