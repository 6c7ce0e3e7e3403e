/** Messages as bytes. Whatever comes in is either whole or nothing. */
import { EMPTY } from '../../base/bytes.js'
import { Reader, Writer } from '../../base/varint.js'
import { readList, writeList } from '../encoding.js'
import {
  BATCH_REQUESTS_MAX,
  decodeBatch,
  encodeBatch,
  readDigest,
  readOf,
  readOwnRequest,
  readStatement,
  SIGNERS_MAX,
  writeDigest,
  writeRequest,
  writeStatement,
} from './encoding.js'
import type { Batch, Carriage, Message, Statement } from './messages.js'

/** Of one Forward; whoever has more to hand on says it in pieces. */
export const FORWARD_REQUESTS_MAX = 256

/** Statements have the tags below. */
const STATEMENT = 0
const TAGS = {
  PrePrepare: 16,
  Forward: 17,
  Status: 18,
  FetchBatch: 19,
  FetchedBatch: 20,
  CommittedBatch: 21,
  StableCheckpoint: 22,
  SnapshotProof: 23,
} as const satisfies { [K in Carriage['type']]: number }

/** A message to all others is encoded once: they are sent one behind the other, and it never changes. */
const last: { message: Message | null; bytes: Uint8Array } = { message: null, bytes: EMPTY }

export function encodeMessage(m: Message): Uint8Array {
  if (last.message === m) return last.bytes
  last.bytes = encode(m)
  last.message = m
  return last.bytes
}

function encode(m: Message): Uint8Array {
  const w = new Writer(256)
  if ('signature' in m) {
    w.byte(STATEMENT)
    writeStatement(w, m)
    return w.finish()
  }
  w.byte(TAGS[m.type])
  switch (m.type) {
    case 'PrePrepare':
      writeStatement(w, m.proposed)
      writeOptionalBatch(w, m.batch)
      break
    case 'Forward':
      writeList(w, m.requests, writeRequest)
      break
    case 'Status':
      w.varint(m.view)
        .byte(m.active ? 1 : 0)
        .varint(m.stable)
        .varint(m.executed)
      break
    case 'FetchBatch':
      w.varint(m.index)
      writeDigest(w, m.digest)
      break
    case 'FetchedBatch':
      w.varint(m.index).chunk(encodeBatch(m.batch))
      break
    case 'CommittedBatch':
      writeList(w, m.commits, writeStatement)
      writeOptionalBatch(w, m.batch)
      break
    case 'StableCheckpoint':
      writeList(w, m.checkpoints, writeStatement)
      break
    case 'SnapshotProof':
      writeList(w, m.votes, writeStatement)
      break
  }
  return w.finish()
}

export function decodeMessage(bytes: Uint8Array): Message | null {
  const r = new Reader(bytes)
  const message = readMessage(r, r.byte())
  return message !== null && r.ok && r.left === 0 ? message : null
}

function readMessage(r: Reader, tag: number): Message | null {
  switch (tag) {
    case STATEMENT: {
      const statement: Statement | null = readStatement(r)
      // A proposal without its batch is no message.
      return statement === null || statement.type === 'Proposed' ? null : statement
    }
    case TAGS.PrePrepare: {
      const proposed = readOf(r, 'Proposed')
      const batch = readOptionalBatch(r)
      if (proposed === null || batch === undefined) return null
      return { type: 'PrePrepare', proposed, batch }
    }
    case TAGS.Forward: {
      const requests = readList(r, readOwnRequest, FORWARD_REQUESTS_MAX)
      return requests && { type: 'Forward', requests }
    }
    case TAGS.Status:
      return {
        type: 'Status',
        view: r.varint(),
        active: r.byte() === 1,
        stable: r.varint(),
        executed: r.varint(),
      }
    case TAGS.FetchBatch:
      return { type: 'FetchBatch', index: r.varint(), digest: readDigest(r) }
    case TAGS.FetchedBatch: {
      const index = r.varint()
      const batch = decodeBatch(r.chunk(), BATCH_REQUESTS_MAX)
      return batch && { type: 'FetchedBatch', index, batch }
    }
    case TAGS.CommittedBatch: {
      const commits = readList(r, (one) => readOf(one, 'Commit'), SIGNERS_MAX)
      const batch = readOptionalBatch(r)
      if (commits === null || batch === undefined) return null
      return { type: 'CommittedBatch', commits, batch }
    }
    case TAGS.StableCheckpoint: {
      const checkpoints = readList(r, (one) => readOf(one, 'Checkpoint'), SIGNERS_MAX)
      return checkpoints && { type: 'StableCheckpoint', checkpoints }
    }
    case TAGS.SnapshotProof: {
      const votes = readList(r, (one) => readOf(one, 'SnapshotVote'), SIGNERS_MAX)
      return votes && { type: 'SnapshotProof', votes }
    }
    default:
      return null
  }
}

export function writeOptionalBatch(w: Writer, batch: Batch | null): void {
  w.byte(batch === null ? 0 : 1)
  if (batch !== null) w.chunk(encodeBatch(batch))
}

/** Undefined when there should be one and is none. */
export function readOptionalBatch(
  r: Reader,
  requestsMax: number = BATCH_REQUESTS_MAX,
): Batch | null | undefined {
  if (r.byte() === 0) return null
  return decodeBatch(r.chunk(), requestsMax) ?? undefined
}
