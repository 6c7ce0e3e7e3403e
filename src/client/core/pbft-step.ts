/**
 * The rules of a client that believes f+1: as many replicas that say the same cannot all be lying (OSDI 1999 §4.1).
 * A request is signed once and keeps its session, seq and bytes over all attempts, so that whoever orders it how often,
 * it is executed once. Reads are ordered as commands are.
 */
import { assert, unreachable } from '../../base/assert.js'
import { equalBytes } from '../../base/bytes.js'
import type { NodeId } from '../../consensus/ids.js'
import {
  numberOf,
  type PbftClientEffect,
  type PbftClientInput,
  type PbftClientState,
  type PbftOperation,
} from './pbft-state.js'
import { beginSession, hasIdled, nonce, SESSION_EXPIRED, seqEnded } from './session.js'
import { type ClientOutcome, OPENING } from './state.js'

export function stepPbftClient(c: PbftClientState, input: PbftClientInput): PbftClientEffect[] {
  const out: PbftClientEffect[] = []
  switch (input.type) {
    case 'Command':
    case 'Query':
      start(c, input, out)
      break
    case 'Reply':
      onReply(c, input, out)
      break
    case 'Refused':
      onRefused(c, input)
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

/** Perhaps a lie: everybody is asked, soon. */
function onRefused(c: PbftClientState, input: PbftClientInput & { type: 'Refused' }): void {
  const operation = c.byNumber.get(numberOf(input))
  if (operation === undefined) return
  operation.told = input.told
  operation.askAllAt = Math.min(operation.askAllAt, c.now + c.options.againMsMin)
}

/** The view that at least one honest replica has reached: a liar's alone moves nobody. */
export function believedView(c: PbftClientState): number {
  const views = c.replicas.map((id) => c.views.get(id) ?? 0).sort((a, b) => b - a)
  return views[c.faultyMax] ?? 0
}

export function believedPrimary(c: PbftClientState): NodeId {
  const id = c.replicas[believedView(c) % c.replicas.length]
  assert(id !== undefined, 'a cluster has replicas')
  return id
}

function start(
  c: PbftClientState,
  input: PbftClientInput & { type: 'Command' | 'Query' },
  out: PbftClientEffect[],
): void {
  const { id, payload, deadline } = input
  assert(id !== OPENING, 'ids of operations are above 0')
  if (c.queue.length >= c.options.queuedMax) {
    const outcome = { type: 'Failed', reason: 'too many operations wait' } as const
    out.push({ type: 'Done', id, outcome })
    return
  }
  const kind = input.type === 'Command' ? 'command' : 'query'
  c.queue.push(newOperation({ id, kind, payload, deadline }))
}

function newOperation(
  of: Pick<PbftOperation, 'id' | 'kind' | 'payload' | 'deadline'>,
): PbftOperation {
  return { ...of, request: null, sends: 0, sentAt: 0, askAllAt: 0, told: false, answers: new Map() }
}

/** Sends what may be sent now: first attempts up to the bound, and what everybody is to be asked. */
function advance(c: PbftClientState, out: PbftClientEffect[]): void {
  if (c.queue.length > 0 && hasIdled(c, c.now, c.options.session)) c.session = 0
  if (c.session === 0 && c.queue.length > 0) openSession(c)
  let started = 0
  for (const operation of c.queue) {
    if (c.session === 0 || c.underWay.size >= c.options.inflightMax) break
    started++
    c.underWay.set(operation.id, operation)
    number(c, operation)
  }
  if (started > 0) c.queue = c.queue.slice(started)
  if (c.opening !== null) send(c, c.opening, out)
  for (const operation of c.underWay.values()) send(c, operation, out)
}

/** From here on its bytes are what they are. */
function number(c: PbftClientState, operation: PbftOperation): void {
  const { payload: command } = operation
  const seq = ++c.lastSeq
  const ackedThrough = Math.min(c.ackedThrough, seq - 1)
  const request = { session: c.session, seq, ackedThrough, command }
  operation.request = operation.kind === 'query' ? { ...request, readOnly: true } : request
  c.byNumber.set(numberOf(operation.request), operation)
}

function openSession(c: PbftClientState): void {
  if (c.opening !== null) return
  const { openCommand: payload } = c.options.session
  const opening = newOperation({ id: OPENING, kind: 'open', payload, deadline: Infinity })
  // The same key opens one session under it, however often it is ordered.
  const seq = nonce(c.random)
  opening.request = { session: 0, seq, ackedThrough: 0, command: payload }
  c.opening = opening
  c.byNumber.set(numberOf(opening.request), opening)
}

function send(c: PbftClientState, operation: PbftOperation, out: PbftClientEffect[]): void {
  const { request } = operation
  if (request === null || (operation.sends > 0 && c.now < operation.askAllAt)) return
  const { primaryMs, againMsMin, againMsMax } = c.options
  const first = operation.sends === 0
  // Of the opening everybody is told at once: that is how we get to know each other.
  const to = first && operation.kind !== 'open' ? believedPrimary(c) : null
  out.push({ type: 'Send', to, request })
  const doubled = againMsMin * 2 ** Math.min(operation.sends - 1, 20)
  operation.askAllAt =
    c.now + (first ? patienceWith(primaryMs, operation, c.now) : Math.min(againMsMax, doubled))
  if (first) operation.sentAt = c.now
  operation.sends++
  operation.told = true
}

/**
 * Half of the time at most, so that whoever is in a hurry asks the others too, and learns of the view that they are in:
 * 1. The replica that we take for the primary left its view alone. 2. Each operation is given up before it has had its time, and nobody
 * else is asked. 3. We go on to ask it for ever, in a cluster that is well.
 */
function patienceWith(primaryMs: number, { deadline }: PbftOperation, now: number): number {
  return Math.min(primaryMs, Math.ceil((deadline - now) / 2))
}

function onReply(
  c: PbftClientState,
  reply: PbftClientInput & { type: 'Reply' },
  out: PbftClientEffect[],
): void {
  const { replica, view, answer } = reply
  if (!c.replicas.includes(replica)) return
  c.views.set(replica, Math.max(view, c.views.get(replica) ?? 0))
  const operation = c.byNumber.get(numberOf(reply))
  if (operation === undefined) return
  operation.answers.set(replica, answer)
  let same = 0
  for (const other of operation.answers.values()) if (equalBytes(other, answer)) same++
  if (same <= c.faultyMax) return
  if (operation.kind === 'open') onOpened(c, operation, answer, out)
  else onAccepted(c, operation, answer, out)
}

/** f+1 said so: one of them is honest. */
function onAccepted(
  c: PbftClientState,
  operation: PbftOperation,
  bytes: Uint8Array,
  out: PbftClientEffect[],
): void {
  const refused = operation.kind === 'query' ? null : c.options.session.refused(bytes)
  if (refused === 'overloaded') {
    // Not executed then, and may be at the next attempt, when it has other answers.
    operation.answers.clear()
    return
  }
  if (refused === 'expired') {
    if (operation.request?.session === c.session) c.session = 0
    // Ordered twice, by whoever likes to, it may have been executed before the session expired.
    finish(c, operation, { type: 'Indeterminate', reason: SESSION_EXPIRED }, out)
    return
  }
  // A query leaves no trace in the session, not even that it lives.
  if (operation.kind !== 'query' && operation.request?.session === c.session)
    c.sessionAliveAt = Math.max(c.sessionAliveAt, operation.sentAt)
  finish(c, operation, { type: 'Answer', bytes }, out)
}

function onOpened(
  c: PbftClientState,
  opening: PbftOperation,
  answer: Uint8Array,
  out: PbftClientEffect[],
): void {
  forget(c, opening, out)
  c.opening = null
  const session = c.options.session.opened(answer)
  if (session !== null) beginSession(c, session, opening.sentAt)
}

/** Operations whose time is up. */
function expire(c: PbftClientState, out: PbftClientEffect[]): void {
  // Who ends is deleted on the way, which a Map allows for.
  for (const operation of c.underWay.values())
    if (operation.deadline <= c.now) giveUp(c, operation, out)
  if (c.queue.length === 0) return
  for (const operation of c.queue) if (operation.deadline <= c.now) giveUp(c, operation, out)
  c.queue = c.queue.filter((operation) => operation.deadline > c.now)
}

/** A replica's word that it refused proves nothing: it may be lying, and others may have the request. */
function giveUp(c: PbftClientState, operation: PbftOperation, out: PbftClientEffect[]): void {
  const unknown = operation.kind === 'command' && operation.told
  const reason = 'the deadline passed'
  finish(c, operation, { type: unknown ? 'Indeterminate' : 'Failed', reason }, out)
}

function finish(
  c: PbftClientState,
  operation: PbftOperation,
  outcome: ClientOutcome,
  out: PbftClientEffect[],
): void {
  c.underWay.delete(operation.id)
  out.push({ type: 'Done', id: operation.id, outcome })
  const { request } = operation
  if (request === null) return
  forget(c, operation, out)
  if (request.session === c.session) seqEnded(c, request.seq)
}

function forget(c: PbftClientState, operation: PbftOperation, out: PbftClientEffect[]): void {
  const { request } = operation
  if (request === null || !c.byNumber.delete(numberOf(request))) return
  out.push({ type: 'Forget', session: request.session, seq: request.seq })
}
