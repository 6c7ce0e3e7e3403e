/**
 * What a leader knows of one peer. Three states: `probe` sends one message and waits for its answer;
 * `replicate` pipelines within a window of messages and bytes; `snapshot` waits for a snapshot to arrive.
 */
import { assert } from '../../base/assert.js'
import type { Index } from '../ids.js'

export interface Progress {
  state: 'probe' | 'replicate' | 'snapshot'
  /** Known to be on the peer's disk. Only moves up within one incarnation of the peer. */
  matchIndex: Index
  nextIndex: Index
  /** Probe: one message is out; the next waits for its answer, or that of a heartbeat. */
  probeSent: boolean
  /** Replicate: what is out and not acknowledged, oldest first. */
  inflight: { lastIndex: Index; bytes: number }[]
  inflightBytes: number
  /** Snapshot: the index of the one being sent. */
  pendingSnapshot: Index
  /** Answered since the last check for a quorum. */
  recentActive: boolean
  /** The peer's incarnation; null until it answers. */
  incarnation: number | null
  /** Answers to rounds before this one are of an earlier incarnation, or may be: they count for nothing. */
  sessionRound: number
  /** The newest round of reads that the peer echoed. */
  round: number
  /** The highest leaderCommit sent to it. */
  sentCommit: Index
}

export function newProgress(nextIndex: Index): Progress {
  return {
    state: 'probe',
    matchIndex: 0,
    nextIndex,
    probeSent: false,
    inflight: [],
    inflightBytes: 0,
    pendingSnapshot: 0,
    recentActive: false,
    incarnation: null,
    sessionRound: 0,
    round: 0,
    sentCommit: 0,
  }
}

export function becomeProbe(p: Progress, nextIndex: Index): void {
  clearWindow(p)
  p.state = 'probe'
  p.probeSent = false
  p.pendingSnapshot = 0
  p.nextIndex = Math.max(nextIndex, p.matchIndex + 1)
}

export function becomeReplicate(p: Progress): void {
  clearWindow(p)
  p.state = 'replicate'
  p.pendingSnapshot = 0
  p.nextIndex = p.matchIndex + 1
}

export function becomeSnapshot(p: Progress, index: Index): void {
  clearWindow(p)
  p.state = 'snapshot'
  p.pendingSnapshot = index
}

export function windowOpen(p: Progress, max: { messages: number; bytes: number }): boolean {
  return p.inflight.length < max.messages && p.inflightBytes < max.bytes
}

/** A message with entries up to `lastIndex` went out. */
export function sent(p: Progress, lastIndex: Index, bytes: number): void {
  assert(p.state === 'replicate' && lastIndex >= p.nextIndex)
  p.nextIndex = lastIndex + 1
  p.inflight.push({ lastIndex, bytes })
  p.inflightBytes += bytes
}

/** The peer has everything up to `index` on disk. False when that is old news (acks arrive late, twice, reordered). */
export function acknowledged(p: Progress, index: Index): boolean {
  let freed = 0
  for (const message of p.inflight) {
    if (message.lastIndex > index) break
    p.inflightBytes -= message.bytes
    freed++
  }
  if (freed > 0) p.inflight.splice(0, freed)
  if (index <= p.matchIndex) return false
  p.matchIndex = index
  p.nextIndex = Math.max(p.nextIndex, index + 1)
  return true
}

function clearWindow(p: Progress): void {
  p.inflight = []
  p.inflightBytes = 0
}
