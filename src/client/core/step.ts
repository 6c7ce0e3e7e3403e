/**
 * A client's rules. A command gets its session and seq once and keeps them over all attempts, so that whatever node
 * executes it, it is executed once. What cannot be known is said so: an attempt without a definite refusal may have
 * been appended, and then the command does not fail, it is Indeterminate (PROTOCOL 2).
 */
import { assert, unreachable } from '../../base/assert.js'
import { nextInt } from '../../base/random.js'
import type { NodeId } from '../../consensus/ids.js'
import { beginSession, hasIdled, nonce, SESSION_EXPIRED, seqEnded } from './session.js'
import {
  type Attempt,
  type ClientEffect,
  type ClientInput,
  type ClientOutcome,
  type ClientState,
  OPENING,
  type Operation,
  type ReplyOutcome,
} from './state.js'

/** The longest attempt, in first ones: whoever asks nodes that are silent gets round to one that is not. */
const ATTEMPT_FACTOR_MAX = 4

export function stepClient(c: ClientState, input: ClientInput): ClientEffect[] {
  const out: ClientEffect[] = []
  switch (input.type) {
    case 'Command':
      start(c, newOperation(input.id, 'command', input.command, input.deadline), out)
      break
    case 'Query':
      start(c, newOperation(input.id, 'query', input.query, input.deadline), out)
      break
    case 'Reply':
      if (input.id === OPENING) onOpened(c, input.attempt, input.outcome)
      else onReply(c, input, out)
      break
    case 'Tick':
      assert(input.now >= c.now, 'the clock is monotonic')
      c.now = input.now
      expire(c, out)
      break
    default:
      unreachable(input)
  }
  advance(c, out)
  return out
}

function newOperation(
  id: number,
  kind: Operation['kind'],
  payload: Uint8Array,
  deadline: number,
): Operation {
  assert(id !== OPENING, 'ids of operations are above 0')
  return {
    id,
    kind,
    payload,
    deadline,
    session: 0,
    seq: 0,
    attempt: null,
    unknown: [],
    failures: 0,
    unanswered: 0,
    retryAt: 0,
  }
}

function start(c: ClientState, operation: Operation, out: ClientEffect[]): void {
  if (c.queue.length >= c.options.queuedMax) {
    const outcome = { type: 'Failed', reason: 'too many operations wait' } as const
    out.push({ type: 'Done', id: operation.id, outcome })
    return
  }
  c.queue.push(operation)
}

/** Sends what may be sent now: first attempts up to the bound, and retries that are due. */
function advance(c: ClientState, out: ClientEffect[]): void {
  let started = 0
  for (const operation of c.queue) {
    if (c.underWay.size >= c.options.inflightMax) break
    started++
    c.underWay.set(operation.id, operation)
  }
  if (started > 0) c.queue = c.queue.slice(started)
  for (const operation of c.underWay.values()) {
    if (operation.attempt !== null || operation.retryAt > c.now) continue
    if (operation.kind === 'query') sendQuery(c, operation, out)
    else sendCommand(c, operation, out)
  }
}

function sendQuery(c: ClientState, operation: Operation, out: ClientEffect[]): void {
  const attempt = newAttempt(c, operation.unanswered)
  operation.attempt = attempt
  const { to, number, timeoutMs } = attempt
  const { id, payload: query, deadline } = operation
  out.push({ type: 'SendQuery', to, attempt: number, id, query, deadline, timeoutMs })
}

function sendCommand(c: ClientState, operation: Operation, out: ClientEffect[]): void {
  if (operation.seq === 0) {
    if (hasIdled(c, c.now, c.options.session)) c.session = 0
    if (c.session === 0) {
      openSession(c, out)
      return
    }
    operation.session = c.session
    operation.seq = ++c.lastSeq
  }
  const attempt = newAttempt(c, operation.unanswered)
  operation.attempt = attempt
  const { to, number, timeoutMs } = attempt
  const { id, session, seq, payload: command, deadline } = operation
  // Of another session than the present one nothing is left to acknowledge.
  const ackedThrough = session === c.session ? Math.min(c.ackedThrough, seq - 1) : 0
  const request = { session, seq, ackedThrough, command }
  out.push({ type: 'SendCommand', to, attempt: number, id, request, deadline, timeoutMs })
}

function openSession(c: ClientState, out: ClientEffect[]): void {
  c.opening ??= { attempt: null, retryAt: 0, failures: 0, unanswered: 0, after: c.lastAttempt }
  if (c.opening.attempt !== null || c.opening.retryAt > c.now) return
  const attempt = newAttempt(c, c.opening.unanswered)
  c.opening.attempt = attempt
  const { to, number, timeoutMs } = attempt
  // Fresh for each attempt: a second session opened by mistake just expires.
  const seq = nonce(c.random)
  const request = { session: 0, seq, ackedThrough: 0, command: c.options.session.openCommand }
  const deadline = c.now + timeoutMs
  out.push({
    type: 'SendCommand',
    to,
    attempt: number,
    id: OPENING,
    request,
    deadline,
    timeoutMs,
  })
}

function onOpened(c: ClientState, number: number, outcome: ReplyOutcome): void {
  const { opening } = c
  // Any attempt of this opening may still bring a session; an earlier one's we had already:
  // 1. It is opened, and its seqs are used. 2. It expires here, and a new one is asked for. 3. The answer to the first
  // opening comes once more. Taken for news, its seqs begin again, and we are told what was answered to others.
  if (opening === null || number <= opening.after) return
  if (outcome.type === 'Answer') {
    const session = c.options.session.opened(outcome.bytes)
    if (session !== null) {
      // Where an earlier attempt is answered this is too late, by what the opening took.
      beginSession(c, session, opening.attempt?.sentAt ?? c.now)
      c.opening = null
      return
    }
  }
  if (opening.attempt?.number !== number) return
  const to = opening.attempt.to
  opening.attempt = null
  opening.failures++
  if (outcome.type === 'Indeterminate') opening.unanswered++
  opening.retryAt = retryAt(c, to, opening.failures, outcome)
}

function onReply(
  c: ClientState,
  reply: { readonly attempt: number; readonly id: number; readonly outcome: ReplyOutcome },
  out: ClientEffect[],
): void {
  const operation = c.underWay.get(reply.id)
  if (operation === undefined) return
  const { outcome } = reply
  const current = operation.attempt?.number === reply.attempt ? operation.attempt : null
  if (outcome.type === 'Answer') {
    if (onAnswer(c, operation, outcome.bytes, current, out)) return
  }
  // Definitely not appended by this attempt; a later word on an attempt already given up counts too.
  const definite = outcome.type !== 'Indeterminate'
  if (current === null) {
    if (definite) operation.unknown = operation.unknown.filter((one) => one !== reply.attempt)
    return
  }
  operation.attempt = null
  if (!definite) {
    operation.unknown.push(reply.attempt)
    operation.unanswered++
  }
  operation.failures++
  operation.retryAt = retryAt(c, current.to, operation.failures, outcome)
}

/** True when that ended the operation. */
function onAnswer(
  c: ClientState,
  operation: Operation,
  bytes: Uint8Array,
  current: Attempt | null,
  out: ClientEffect[],
): boolean {
  if (current !== null) c.leader = current.to
  if (operation.kind === 'query') {
    finish(c, operation, { type: 'Answer', bytes }, out)
    return true
  }
  const refused = c.options.session.refused(bytes)
  if (refused === 'overloaded') return false
  if (refused === 'expired') {
    if (operation.session === c.session) c.session = 0
    // Even of what we sent once, another copy may have been executed:
    // 1. A proxy sends it twice. 2. The first copy is executed. 3. The clocks leap, and the session expires. 4. The second
    // copy is refused, and this answer comes first.
    finish(c, operation, { type: 'Indeterminate', reason: SESSION_EXPIRED }, out)
    return true
  }
  if (current !== null && operation.session === c.session)
    c.sessionAliveAt = Math.max(c.sessionAliveAt, current.sentAt)
  finish(c, operation, { type: 'Answer', bytes }, out)
  return true
}

/** When to try again, and whom to ask then. */
function retryAt(c: ClientState, asked: NodeId, failures: number, outcome: ReplyOutcome): number {
  if (outcome.type === 'NotLeader') {
    const hint = outcome.leader
    if (hint !== null && hint !== asked && c.options.nodes.includes(hint)) {
      c.leader = hint
      // A good hint is followed at once; two nodes that name each other are not.
      if (failures <= 2) return c.now
    } else {
      lookElsewhere(c, asked)
    }
  } else if (outcome.type === 'Indeterminate' || outcome.type === 'Unreachable') {
    lookElsewhere(c, asked)
  }
  const { backoffMsMin, backoffMsMax } = c.options
  const most = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(failures, 20))
  return c.now + nextInt(c.random, Math.ceil(most / 2), most)
}

function lookElsewhere(c: ClientState, asked: NodeId): void {
  if (c.leader !== null && c.leader !== asked) return
  c.leader = null
  const { nodes } = c.options
  if (nodes[c.rotation % nodes.length] === asked) c.rotation = (c.rotation + 1) % nodes.length
}

/**
 * Who is slow is asked less often. Each attempt may be ordered once more, and where a cluster takes longer than an
 * attempt is waited for, all that are behind the first one make it slower still: it would not get well when the load is gone.
 */
function newAttempt(c: ClientState, unanswered: number): Attempt {
  const { nodes } = c.options
  const to = c.leader ?? nodes[c.rotation % nodes.length]
  assert(to !== undefined, 'a client knows a node')
  const timeoutMs = c.options.attemptTimeoutMs * Math.min(ATTEMPT_FACTOR_MAX, 2 ** unanswered)
  return { number: ++c.lastAttempt, to, sentAt: c.now, timeoutMs }
}

/** Attempts that got no answer, and operations whose time is up. */
function expire(c: ClientState, out: ClientEffect[]): void {
  const opening = c.opening?.attempt
  if (opening != null && isOverdue(opening, c.now))
    onOpened(c, opening.number, { type: 'Indeterminate', reason: 'no answer' })
  // Who ends is deleted on the way, which a Map allows for.
  for (const operation of c.underWay.values()) {
    const { attempt } = operation
    if (operation.deadline <= c.now) {
      giveUp(c, operation, out)
      continue
    }
    if (attempt === null || !isOverdue(attempt, c.now)) continue
    const outcome = { type: 'Indeterminate', reason: 'no answer' } as const
    onReply(c, { attempt: attempt.number, id: operation.id, outcome }, out)
  }
  if (c.queue.length === 0) return
  for (const operation of c.queue) if (operation.deadline <= c.now) giveUp(c, operation, out)
  c.queue = c.queue.filter((operation) => operation.deadline > c.now)
}

function isOverdue({ sentAt, timeoutMs }: Attempt, now: number): boolean {
  return sentAt + timeoutMs <= now
}

function giveUp(c: ClientState, operation: Operation, out: ClientEffect[]): void {
  const known =
    operation.kind === 'query' || (operation.unknown.length === 0 && operation.attempt === null)
  const reason = 'the deadline passed'
  finish(c, operation, { type: known ? 'Failed' : 'Indeterminate', reason }, out)
}

function finish(
  c: ClientState,
  operation: Operation,
  outcome: ClientOutcome,
  out: ClientEffect[],
): void {
  c.underWay.delete(operation.id)
  out.push({ type: 'Done', id: operation.id, outcome })
  if (operation.seq !== 0 && operation.session === c.session) seqEnded(c, operation.seq)
}

/** Nothing is under way, waiting or being opened. */
export function isIdle(c: ClientState): boolean {
  return c.underWay.size === 0 && c.queue.length === 0
}
