/**
 * Bytes of batches and statements, the same at every replica: what is signed and hashed is these bytes and nothing
 * else. A statement's signature stands behind the body that it signs.
 */
import { concat, EMPTY, ownBytes, toHex, toHexBetween } from '../../base/bytes.js'
import { utf8Decode } from '../../base/utf8.js'
import { Reader, Writer } from '../../base/varint.js'
import type { Request } from '../contract.js'
import { readList, writeList, writeText } from '../encoding.js'
import type { NodeId } from '../ids.js'
import type {
  Batch,
  Checkpoint,
  Commit,
  Digest,
  NewView,
  Prepare,
  PreparedCertificate,
  Proposed,
  SnapshotVote,
  Statement,
  ViewChange,
} from './messages.js'

const DIGEST_BYTES = 32
/** Of a name, with room to spare: it is decoded before anybody has signed it. */
const SENDER_BYTES_MAX = 64

/** Replicas that a cluster may have (the cluster file's bound), and indices of one window: each is a signature to verify. */
export const SIGNERS_MAX = 16
export const INDICES_MAX = 1_024
/** Requests of a batch: an honest primary proposes no more, and a backup verifies each. */
export const BATCH_REQUESTS_MAX = 1_024
/** Of Ed25519. What is longer is none, and would be kept by whoever keeps a vote that nobody has verified. */
export const SIGNATURE_BYTES_MAX = 64

const TAGS = {
  Proposed: 1,
  Prepare: 2,
  Commit: 3,
  Checkpoint: 4,
  ViewChange: 5,
  NewView: 6,
  SnapshotVote: 7,
} as const satisfies { [K in Statement['type']]: number }

/** A batch is encoded and hashed often, and never changes. */
const ENCODED = new WeakMap<Batch, Uint8Array>()

export function encodeBatch(batch: Batch): Uint8Array {
  const known = ENCODED.get(batch)
  if (known !== undefined) return known
  const w = new Writer(256)
  w.varint(batch.time)
  writeList(w, batch.requests, writeRequest)
  const bytes = w.finish()
  ENCODED.set(batch, bytes)
  return bytes
}

/** It is kept as long as its index: of a small one in a large frame a copy. */
export function decodeBatch(from: Uint8Array, requestsMax: number): Batch | null {
  const bytes = ownBytes(from)
  const r = new Reader(bytes)
  const time = r.varint()
  const requests = readList(r, readRequest, requestsMax)
  if (requests === null || !r.ok || r.left !== 0) return null
  const batch = { time, requests }
  ENCODED.set(batch, bytes)
  return batch
}

export function writeRequest(w: Writer, request: Request): void {
  w.varint(request.session).varint(request.seq).varint(request.ackedThrough)
  w.chunk(request.command).chunk(request.auth ?? EMPTY)
  w.byte(request.readOnly === true ? 1 : 0)
}

export function readRequest(r: Reader): Request {
  const [session, seq, ackedThrough] = [r.varint(), r.varint(), r.varint()]
  const [command, auth] = [r.chunk(), r.chunk()]
  const readOnly = r.byte() === 1
  const request: { -readonly [K in keyof Request]: Request[K] } = {
    session,
    seq,
    ackedThrough,
    command,
  }
  if (auth.length > 0) request.auth = auth
  if (readOnly) request.readOnly = true
  return request
}

/** Likewise of several of which some are kept: one that waits would keep all that came with it. */
export function readOwnRequest(r: Reader): Request {
  const request = readRequest(r)
  const { command, auth = EMPTY } = request
  if (2 * (command.length + auth.length) >= r.bytes.buffer.byteLength) return request
  const both = concat([command, auth])
  const own = { ...request, command: both.subarray(0, command.length) }
  return auth.length === 0 ? own : { ...own, auth: both.subarray(command.length) }
}

/** So is what proves a view: once to sign or verify it, once for each message and record that it is in. */
const BODIES = new WeakMap<ViewChange | NewView, Uint8Array>()

/** The statement without its signature; `signedBytes` puts the cluster before it. */
function bodyOf(s: Statement): Uint8Array {
  // A vote is sooner written again than looked up.
  if (s.type !== 'ViewChange' && s.type !== 'NewView') return written(s)
  let body = BODIES.get(s)
  if (body === undefined) {
    body = written(s)
    BODIES.set(s, body)
  }
  return body
}

function written(s: Statement): Uint8Array {
  const w = new Writer(128)
  writeBody(w, s)
  return w.finish()
}

function writeBody(w: Writer, s: Statement): void {
  w.byte(TAGS[s.type]).varint(s.epoch)
  writeText(w, s.sender)
  switch (s.type) {
    case 'Proposed':
    case 'Prepare':
    case 'Commit':
      w.varint(s.view).varint(s.index)
      writeDigest(w, s.digest)
      return
    case 'Checkpoint':
      w.varint(s.index)
      writeDigest(w, s.digest)
      return
    case 'SnapshotVote':
      w.varint(s.index)
      writeDigest(w, s.digest)
      w.varint(s.bytes).varint(s.time)
      writeDigest(w, s.history)
      return
    case 'ViewChange':
      w.varint(s.view).varint(s.stable)
      writeList(w, s.checkpoints, writeStatement)
      writeList(w, s.prepared, writeCertificate)
      return
    case 'NewView':
      w.varint(s.view)
      writeList(w, s.viewChanges, writeStatement)
      writeList(w, s.proposals, writeStatement)
  }
}

export function writeStatement(w: Writer, s: Statement): void {
  w.raw(bodyOf(s)).chunk(s.signature)
}

/** Null when the bytes are no statement. */
export function readStatement(r: Reader): Statement | null {
  const tag = r.byte()
  const epoch = r.varint()
  const name = r.chunk()
  if (name.length > SENDER_BYTES_MAX) return null
  const sender = utf8Decode(name)
  const statement = readBody(r, tag, { sender, epoch })
  return r.ok ? statement : null
}

interface Head {
  readonly sender: NodeId
  readonly epoch: number
}

/** The body, and the signature behind it. Votes are most of what is read: they are made in one go, all of one shape. */
function readBody(r: Reader, tag: number, { sender, epoch }: Head): Statement | null {
  switch (tag) {
    case TAGS.Proposed:
    case TAGS.Prepare:
    case TAGS.Commit: {
      const [view, index, digest] = [r.varint(), r.varint(), readDigest(r)]
      const type = tag === TAGS.Proposed ? 'Proposed' : tag === TAGS.Prepare ? 'Prepare' : 'Commit'
      return { type, view, index, digest, sender, epoch, signature: readSignature(r) }
    }
    case TAGS.Checkpoint: {
      const [index, digest] = [r.varint(), readDigest(r)]
      return { type: 'Checkpoint', index, digest, sender, epoch, signature: readSignature(r) }
    }
    case TAGS.SnapshotVote: {
      const [index, digest] = [r.varint(), readDigest(r)]
      const [bytes, time, history] = [r.varint(), r.varint(), readDigest(r)]
      const of = { index, digest, bytes, time, history }
      return { type: 'SnapshotVote', ...of, sender, epoch, signature: readSignature(r) }
    }
    case TAGS.ViewChange: {
      const [view, stable] = [r.varint(), r.varint()]
      const checkpoints = readList(r, (one) => readOf(one, 'Checkpoint'), SIGNERS_MAX)
      const prepared = readList(r, readCertificate, INDICES_MAX)
      if (checkpoints === null || prepared === null) return null
      const of = { view, stable, checkpoints, prepared }
      return { type: 'ViewChange', ...of, sender, epoch, signature: readSignature(r) }
    }
    case TAGS.NewView: {
      const view = r.varint()
      const viewChanges = readList(r, (one) => readOf(one, 'ViewChange'), SIGNERS_MAX)
      const proposals = readList(r, (one) => readOf(one, 'Proposed'), INDICES_MAX)
      if (viewChanges === null || proposals === null) return null
      const of = { view, viewChanges, proposals }
      return { type: 'NewView', ...of, sender, epoch, signature: readSignature(r) }
    }
    default:
      return null
  }
}

/** A copy: votes are kept long, and a view would keep all that the message came in. */
function readSignature(r: Reader): Uint8Array {
  const length = r.varint()
  if (length > SIGNATURE_BYTES_MAX) r.fail()
  return r.copy(length)
}

interface ByType {
  Proposed: Proposed
  Prepare: Prepare
  Commit: Commit
  Checkpoint: Checkpoint
  SnapshotVote: SnapshotVote
  ViewChange: ViewChange
  NewView: NewView
}

/** Null when it is a statement of another type. Nesting ends there: none of them contains its own type. */
export function readOf<T extends Statement['type']>(r: Reader, type: T): ByType[T] | null {
  if (r.left > 0 && r.bytes[r.at] !== TAGS[type]) return null
  const statement = readStatement(r)
  return statement !== null && statement.type === type ? (statement as ByType[T]) : null
}

export function writeCertificate(w: Writer, certificate: PreparedCertificate): void {
  writeStatement(w, certificate.proposed)
  writeList(w, certificate.prepares, writeStatement)
}

export function readCertificate(r: Reader): PreparedCertificate | null {
  const proposed = readOf(r, 'Proposed')
  if (proposed === null) return null
  const prepares = readList(r, (one) => readOf(one, 'Prepare'), SIGNERS_MAX)
  return prepares === null ? null : { proposed, prepares }
}

/** What a replica signs: nothing said in one cluster means anything in another. */
export function signedBytes(clusterId: string, statement: Statement): Uint8Array {
  const w = new Writer(256)
  writeText(w, 'quorate-pbft-statement-1')
  writeText(w, clusterId)
  return w.raw(bodyOf(statement)).finish()
}

/** What a batch's digest is taken of; null: the null batch. */
export function hashedBytes(clusterId: string, batch: Batch | null): Uint8Array {
  const w = new Writer(256)
  writeText(w, 'quorate-pbft-batch-1')
  writeText(w, clusterId)
  w.byte(batch === null ? 0 : 1)
  if (batch !== null) w.raw(encodeBatch(batch))
  return w.finish()
}

type Hash = (bytes: Uint8Array) => Uint8Array

/** A batch is hashed before its requests are verified and when it is accepted, and never changes. */
const DIGESTS = new WeakMap<
  Batch,
  { readonly hash: Hash; readonly clusterId: string; readonly digest: Digest }
>()

export function batchDigest(hash: Hash, clusterId: string, batch: Batch | null): Digest {
  const known = batch === null ? undefined : DIGESTS.get(batch)
  if (known?.hash === hash && known.clusterId === clusterId) return known.digest
  const digest = toHex(hash(hashedBytes(clusterId, batch)))
  if (batch !== null) DIGESTS.set(batch, { hash, clusterId, digest })
  return digest
}

/** What the history up to an index hashes to: that of the index before, and its batch. */
export function historyBytes(before: Digest, batch: Digest): Uint8Array {
  const w = new Writer(128)
  writeText(w, 'quorate-pbft-history-1')
  writeDigest(w, before)
  writeDigest(w, batch)
  return w.finish()
}

/** What a checkpoint's digest is taken of: what was executed, and what it made of the machine. */
export function stateBytes(history: Digest, machine: string): Uint8Array {
  const w = new Writer(128)
  writeText(w, 'quorate-pbft-state-1')
  writeDigest(w, history)
  writeText(w, machine)
  return w.finish()
}

export function writeDigest(w: Writer, digest: Digest): void {
  w.hex(digest, DIGEST_BYTES)
}

export function readDigest(r: Reader): Digest {
  if (r.left < DIGEST_BYTES) r.fail()
  if (!r.ok) return ''
  r.at += DIGEST_BYTES
  return toHexBetween(r.bytes, r.at - DIGEST_BYTES, r.at)
}
