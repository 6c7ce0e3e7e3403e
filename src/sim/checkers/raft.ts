/** The promises of Raft (Figure 3 of the paper), and what of them must survive a restart. */
import type { Effect, Input } from '../../consensus/contract.js'
import type { Index, NodeId } from '../../consensus/ids.js'
import type { Raft } from '../../consensus/raft/index.js'
import {
  type Before,
  checkState,
  checkTransition,
  remember,
} from '../../consensus/raft/invariants.js'
import { firstMissing, termAt } from '../../consensus/raft/log.js'
import type { Message } from '../../consensus/raft/messages.js'
import type { WalRecord } from '../../consensus/raft/records.js'
import { configurationOf } from '../../consensus/raft/state.js'
import { RaftMarks } from '../marks/raft.js'
import { CheckQuorum } from './check-quorum.js'
import { entryHash } from './cluster.js'
import { DurableLog } from './durable-log.js'
import { checkBehindSnapshot, checkElected } from './elected.js'
import type { ProtocolChecker } from './protocol.js'
import { ReadIndexChecker } from './read-index.js'
import { checkKept, checkVote } from './restart.js'
import { checkStickiness } from './stickiness.js'
import { check, Violation } from './violation.js'

interface Node {
  core: Raft
  before: Before
  /** Written and not yet known to be synced. */
  written: { readonly batch: number; readonly records: readonly WalRecord[] }[]
  disk: DurableLog
  /** The highest term that a message vouched for, over all starts. */
  vouchedTerm: number
}

/** Messages that promise: their term must survive a restart. */
const VOUCHES: ReadonlySet<Message['type']> = new Set([
  'RequestVote',
  'RequestVoteReply',
  'AppendEntries',
  'AppendEntriesReply',
  'TimeoutNow',
  'ReadIndexReply',
])

export class RaftChecker implements ProtocolChecker<Raft, Message, WalRecord> {
  readonly #nodes = new Map<NodeId, Node>()
  readonly #marks = new RaftMarks()
  /** Log Matching: by index and term, the entry and the term of the one before it. */
  readonly #entries = new Map<string, { readonly hash: number; readonly prevTerm: number }>()
  /** By index: the term of the committed entry, and the term in which it was first seen to be committed. */
  readonly #committed: number[] = [0, 1]
  readonly #committedIn: number[] = [0, 0]
  /** The first entry is the same everywhere by construction. */
  #committedThrough = 1
  /** By node and term: the candidate who got its vote, over all starts. */
  readonly #votes = new Map<string, NodeId>()
  readonly #leaders = new Set<string>()
  /** By node: its starts so far; by its incarnation: which start that is. */
  readonly #starts = new Map<NodeId, number>()
  readonly #startOf = new Map<string, number>()
  /** By node, start and term: the highest index that it acknowledged. */
  readonly #acknowledged = new Map<string, Index>()
  /** By leader, its term and a peer: the newest start of that peer which it heard. */
  readonly #heard = new Map<string, number>()
  /** By leader, its term, a peer and the session with it: what the leader counts it for. */
  readonly #matches = new Map<string, Index>()
  readonly #quorum = new CheckQuorum()
  readonly #reads = new ReadIndexChecker()

  started(id: NodeId, core: Raft, records: readonly WalRecord[]): void {
    const former = this.#nodes.get(id)
    const vouchedTerm = former?.vouchedTerm ?? 0
    check(
      core.state.term >= vouchedTerm,
      'durable-term',
      () => `${id} restarted in term ${core.state.term} after it had spoken in ${vouchedTerm}`,
    )
    checkVote(id, core, this.#votes.get(`${id}:${core.state.term}`))
    if (former !== undefined) checkKept(id, core, former, records)
    this.#quorum.started(id)
    this.#reads.started(id)
    const disk = new DurableLog()
    disk.write(records)
    const isDamaged = records.some((record) => record.type === 'Lost')
    if (former !== undefined && isDamaged) disk.decayedFrom(former.disk)
    const start = (this.#starts.get(id) ?? 0) + 1
    this.#starts.set(id, start)
    this.#startOf.set(`${id}:${core.state.incarnation}`, start)
    this.#marks.started(id, core)
    this.#nodes.set(id, { core, before: remember(core.state), written: [], disk, vouchedTerm })
  }

  stepped(
    id: NodeId,
    core: Raft,
    input: Input<Message>,
    effects: readonly Effect<Message, WalRecord>[],
  ): void {
    const node = this.#nodes.get(id)
    if (node === undefined) return
    const { state } = core
    const wrong = checkState(state) ?? checkTransition(node.before, state)
    if (wrong !== null) throw new Violation('raft-state', `${id}: ${wrong}`)
    // A snapshot covers what is committed, whoever counted the copies.
    if (input.type !== 'SnapshotReceived') this.#checkOwnTerm(id, node.before, core)
    checkStickiness(id, { before: node.before, term: state.term }, input, effects)
    node.before = remember(state)
    this.#quorum.stepped(id, core, input)
    if (input.type === 'Receive' && input.message.type === 'AppendEntriesReply')
      this.#checkMatch(id, core, input.from, input.message)
    for (const effect of effects) {
      if (effect.type === 'Send') this.#checkAcknowledged(id, core, effect.message)
      if (effect.type !== 'Persist') continue
      node.written.push({ batch: effect.batch, records: effect.records })
      for (const record of effect.records)
        if (record.type === 'Append' || record.type === 'Filled')
          this.#checkMatching(id, core, record.entries)
    }
    this.#reads.stepped(id, this.#committedThrough, input, effects)
    if (input.type === 'SnapshotReceived') checkBehindSnapshot(id, core)
    this.#checkCommit(id, core)
    this.#marks.stepped(id, core, input, effects)
    if (state.role.type === 'leader') this.#checkCompleteness(id, core)
  }

  get marks(): ReadonlyMap<string, number> {
    return this.#marks.counts
  }

  /** The log up to there goes: a record on this disk must name the snapshot that has it. */
  released(id: NodeId, through: Index): void {
    const disk = this.#nodes.get(id)?.disk
    check(
      disk === undefined || disk.covers(through),
      'released-early',
      () => `${id} lets its log go through ${through}, and no synced record has a snapshot of it`,
    )
  }

  synced(id: NodeId, batch: number): void {
    const node = this.#nodes.get(id)
    if (node === undefined) return
    while (node.written[0] !== undefined && node.written[0].batch <= batch)
      node.disk.write(node.written.shift()?.records ?? [])
  }

  sent(from: NodeId, to: NodeId, m: Message): void {
    const node = this.#nodes.get(from)
    if (node === undefined || !VOUCHES.has(m.type)) return
    node.vouchedTerm = Math.max(node.vouchedTerm, m.term)
    if (m.type === 'AppendEntriesReply' && m.accepted) this.#acknowledges(from, node, m)
    if (m.type === 'RequestVote') this.#vote(from, m.term, from)
    else if (m.type === 'RequestVoteReply' && m.voteGranted) this.#vote(from, m.term, to)
  }

  #acknowledges(
    from: NodeId,
    node: Node,
    m: { readonly term: number; readonly matchIndex: Index; readonly incarnation: number },
  ): void {
    check(
      m.matchIndex <= node.disk.reached,
      'durable-match',
      () =>
        `${from} acknowledges ${m.matchIndex}, and its disk never had more than ${node.disk.reached}`,
    )
    node.disk.acknowledgedAgain(m.matchIndex)
    const key = `${from}:${this.#startOf.get(`${from}:${m.incarnation}`)}:${m.term}`
    this.#acknowledged.set(key, Math.max(this.#acknowledged.get(key) ?? 0, m.matchIndex))
  }

  /** A match is what the newest start of the peer that was heard has acknowledged in this term, and no more. */
  #checkMatch(
    id: NodeId,
    core: Raft,
    peer: NodeId,
    { incarnation, round }: { readonly incarnation: number; readonly round: number },
  ): void {
    const { role, term } = core.state
    const progress = role.type === 'leader' ? role.progress.get(peer) : undefined
    if (progress === undefined) return
    const stale = round < progress.sessionRound
    const match = progress.matchIndex
    const heardKey = `${id}:${term}:${peer}`
    // An answer to what was sent before the peer's start was noticed tells nothing of either start.
    const heard = stale ? 0 : (this.#startOf.get(`${peer}:${incarnation}`) ?? 0)
    const newest = Math.max(this.#heard.get(heardKey) ?? 0, heard)
    this.#heard.set(heardKey, newest)
    const acknowledged = this.#acknowledged.get(`${peer}:${newest}:${term}`) ?? 0
    check(
      match <= acknowledged,
      'match-of-a-start',
      () => `${id} counts ${peer} for ${match}; its present start acknowledged ${acknowledged}`,
    )
    // A word of another start, be it an old one, begins a new session, and the count anew.
    const matchKey = `${heardKey}:${progress.sessionRound}`
    const before = this.#matches.get(matchKey) ?? 0
    check(
      match >= before,
      'match-rises',
      () => `${id} counted ${peer} for ${before} and now for ${match}, in one session`,
    )
    this.#matches.set(matchKey, match)
  }

  /** What a disk lost is nobody's second copy: it is vouched for when it is back, and not before. */
  #checkAcknowledged(id: NodeId, core: Raft, m: Message): void {
    if (m.type !== 'AppendEntriesReply') return
    const missing = firstMissing(core.state.log)
    const index = m.accepted ? m.matchIndex : m.hint.index
    check(
      index < missing,
      'acknowledged-hole',
      () => `${id} vouches for ${index}, and its disk lost ${missing}`,
    )
  }

  #vote(voter: NodeId, term: number, candidate: NodeId): void {
    const key = `${voter}:${term}`
    const before = this.#votes.get(key)
    if (before === undefined) this.#votes.set(key, candidate)
    else
      check(
        before === candidate,
        'one-vote',
        () => `${voter} voted for ${before} and for ${candidate} in term ${term}`,
      )
  }

  #checkMatching(
    id: NodeId,
    core: Raft,
    entries: readonly { readonly index: Index; readonly term: number }[],
  ): void {
    for (const entry of entries) {
      const now = core.state.log.entries[entry.index - core.state.log.offset.index - 1]
      const prevTerm = termAt(core.state.log, entry.index - 1)
      if (now === undefined || now.term !== entry.term || prevTerm === null) continue
      check(
        entry.term >= prevTerm,
        'terms-rise',
        () => `${id} has entry ${entry.index} of term ${entry.term} behind one of term ${prevTerm}`,
      )
      const key = `${entry.index}:${entry.term}`
      const hash = entryHash(now)
      const known = this.#entries.get(key)
      if (known === undefined) this.#entries.set(key, { hash, prevTerm })
      else
        check(
          known.hash === hash && known.prevTerm === prevTerm,
          'log-matching',
          () => `${id} has another entry ${key} than a node before it, or another before that`,
        )
    }
  }

  /** A leader counts copies of entries of its own term only; what is before them goes with them (§5.4.2). */
  #checkOwnTerm(id: NodeId, before: Before, core: Raft): void {
    const { role, commitIndex, log, term } = core.state
    if (role.type !== 'leader' || commitIndex <= before.commitIndex) return
    const committed = termAt(log, commitIndex)
    check(
      committed === term,
      'commit-own-term',
      () =>
        `${id} leads term ${term} and commits ${commitIndex} of term ${committed} by its copies`,
    )
  }

  /** What anybody takes for committed stays what it is, and a majority of the disks really had it then. */
  #checkCommit(id: NodeId, core: Raft): void {
    const { commitIndex, log } = core.state
    for (let index = this.#committedThrough + 1; index <= commitIndex; index++) {
      const term = termAt(log, index)
      if (term === null) continue
      const { voters } = configurationOf(core.state)
      // By what each disk was given: an acknowledgement may be on its way while the entry rots, and was no lie.
      const holders = voters.filter((one) => this.#nodes.get(one)?.disk.hadOnce(index, term))
      check(
        2 * holders.length > voters.length,
        'durable-commit',
        () => `${id} committed ${index} of term ${term}, which is on the disks of ${holders}`,
      )
      this.#committed[index] = term
      this.#committedIn[index] = core.state.term
    }
    const from = Math.max(1, Math.min(this.#committedThrough, commitIndex) - 2)
    for (let index = from; index <= commitIndex; index++) this.#checkCommitted(id, core, index)
    this.#committedThrough = Math.max(this.#committedThrough, commitIndex)
  }

  #checkCommitted(id: NodeId, core: Raft, index: Index): void {
    const term = this.#committed[index]
    const here = termAt(core.state.log, index)
    if (term === undefined || here === null) return
    check(
      here === term,
      'committed-entry',
      () => `${id} has term ${here} at ${index}, where term ${term} is committed`,
    )
  }

  /** Leader Completeness (§5.4.3): whoever leads has all that was committed in terms before its own. */
  #checkCompleteness(id: NodeId, core: Raft): void {
    const key = `${core.state.term}:${id}`
    if (this.#leaders.has(key)) return
    this.#leaders.add(key)
    checkElected(id, core, (voter, term) => this.#votes.get(`${voter}:${term}`))
    for (let index = core.state.log.offset.index + 1; index <= this.#committedThrough; index++) {
      const term = this.#committed[index]
      if (term === undefined || (this.#committedIn[index] ?? 0) >= core.state.term) continue
      const here = termAt(core.state.log, index)
      check(
        here === term,
        'leader-completeness',
        () => `${id} leads term ${core.state.term} without entry ${index} of term ${term}`,
      )
    }
  }
}
