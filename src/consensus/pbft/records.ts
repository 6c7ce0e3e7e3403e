/**
 * What a PBFT replica writes to its WAL. Together they are the vote guard: which batch each index got in which view,
 * what was prepared, and below which view nothing may be voted any more.
 */
import { type Reader, Writer } from '../../base/varint.js'
import type { Member, SnapshotMeta } from '../contract.js'
import {
  LIST_MAX,
  readAll,
  readList,
  readMembers,
  readSnapshotMeta,
  writeList,
  writeMembers,
  writeSnapshotMeta,
} from '../encoding.js'
import type { Index } from '../ids.js'
import { readOptionalBatch, writeOptionalBatch } from './codec.js'
import {
  readCertificate,
  readDigest,
  readOf,
  writeCertificate,
  writeDigest,
  writeStatement,
} from './encoding.js'
import type {
  Batch,
  Checkpoint,
  Commit,
  Digest,
  NewView,
  PreparedCertificate,
  Proposed,
  ViewChange,
} from './messages.js'

/** All that is not tied to an index; every segment opens with it, so that deleting old segments forgets no promise. */
export interface StateRecord {
  readonly type: 'State'
  readonly view: number
  readonly active: boolean
  readonly mute: boolean
  readonly checkpoints: readonly Checkpoint[]
  readonly newView: NewView | null
  readonly viewChange: ViewChange | null
  readonly snapshot: SnapshotMeta | null
  /** Of what the snapshot covers. */
  readonly history: Digest
  readonly members: readonly Member[]
}

export type WalRecord =
  | StateRecord
  /** The cluster was formed: the same on every replica. */
  | { readonly type: 'Bootstrap'; readonly members: readonly Member[] }
  /** This batch has this index in this view; before PRE-PREPARE and PREPARE. */
  | { readonly type: 'Accepted'; readonly proposed: Proposed; readonly batch: Batch | null }
  /** A batch that was fetched. */
  | { readonly type: 'Body'; readonly index: Index; readonly batch: Batch | null }
  /** Before COMMIT. */
  | { readonly type: 'Prepared'; readonly certificate: PreparedCertificate }
  | { readonly type: 'Committed'; readonly commits: readonly Commit[] }
  /** Before VIEW-CHANGE. */
  | { readonly type: 'ViewChangeSaid'; readonly viewChange: ViewChange }
  /** The same of a replica that is mute. */
  | { readonly type: 'ViewLeft'; readonly view: number }
  /** Before NEW-VIEW and the first PREPARE in it. */
  | { readonly type: 'NewViewAccepted'; readonly newView: NewView }
  | { readonly type: 'Stable'; readonly checkpoints: readonly Checkpoint[] }
  | { readonly type: 'SnapshotTaken'; readonly snapshot: SnapshotMeta; readonly history: Digest }
  | {
      readonly type: 'SnapshotInstalled'
      readonly snapshot: SnapshotMeta
      readonly history: Digest
    }
  /** In the place of what the disk lost: the replica no longer knows what it promised. */
  | { readonly type: 'Lost' }
  /** Behind all: the newest snapshot's file is gone. No promise is. */
  | { readonly type: 'SnapshotLost' }

const TAGS = {
  State: 1,
  Bootstrap: 2,
  Accepted: 3,
  Body: 4,
  Prepared: 5,
  Committed: 6,
  ViewChangeSaid: 7,
  ViewLeft: 8,
  NewViewAccepted: 9,
  Stable: 10,
  SnapshotTaken: 11,
  SnapshotInstalled: 12,
  Lost: 13,
  SnapshotLost: 14,
} as const satisfies { [K in WalRecord['type']]: number }

/** The highest index among the records; 0 when they hold none. */
export function lastIndexOf(records: readonly WalRecord[]): Index {
  let last = 0
  for (const record of records) last = Math.max(last, indexOf(record))
  return last
}

function indexOf(record: WalRecord): Index {
  switch (record.type) {
    case 'Accepted':
      return record.proposed.index
    case 'Body':
      return record.index
    case 'Prepared':
      return record.certificate.proposed.index
    case 'Committed':
      return record.commits[0]?.index ?? 0
    default:
      return 0
  }
}

export function encodeRecords(records: readonly WalRecord[]): Uint8Array {
  const w = new Writer(512)
  for (const record of records) {
    w.byte(TAGS[record.type])
    writeRecord(w, record)
  }
  return w.finish()
}

function writeRecord(w: Writer, record: WalRecord): void {
  switch (record.type) {
    case 'State':
      w.varint(record.view)
        .byte(record.active ? 1 : 0)
        .byte(record.mute ? 1 : 0)
      writeList(w, record.checkpoints, writeStatement)
      writeOptional(w, record.newView, writeStatement)
      writeOptional(w, record.viewChange, writeStatement)
      writeOptional(w, record.snapshot, writeSnapshotMeta)
      writeDigest(w, record.history)
      return writeMembers(w, record.members)
    case 'Bootstrap':
      return writeMembers(w, record.members)
    case 'Accepted':
      writeStatement(w, record.proposed)
      return writeOptionalBatch(w, record.batch)
    case 'Body':
      w.varint(record.index)
      return writeOptionalBatch(w, record.batch)
    case 'Prepared':
      return writeCertificate(w, record.certificate)
    case 'Committed':
      return writeList(w, record.commits, writeStatement)
    case 'ViewChangeSaid':
      return writeStatement(w, record.viewChange)
    case 'ViewLeft':
      w.varint(record.view)
      return
    case 'NewViewAccepted':
      return writeStatement(w, record.newView)
    case 'Stable':
      return writeList(w, record.checkpoints, writeStatement)
    case 'SnapshotTaken':
    case 'SnapshotInstalled':
      writeSnapshotMeta(w, record.snapshot)
      return writeDigest(w, record.history)
    case 'Lost':
    case 'SnapshotLost':
      return
  }
}

/** Null when the bytes are no records. */
export function decodeRecords(bytes: Uint8Array): WalRecord[] | null {
  return readAll(bytes, readRecord)
}

function readRecord(r: Reader): WalRecord | null {
  switch (r.byte()) {
    case TAGS.State:
      return readState(r)
    case TAGS.Bootstrap:
      return { type: 'Bootstrap', members: readMembers(r) }
    case TAGS.Accepted: {
      const proposed = readOf(r, 'Proposed')
      const batch = readOptionalBatch(r, LIST_MAX)
      return proposed === null || batch === undefined ? null : { type: 'Accepted', proposed, batch }
    }
    case TAGS.Body: {
      const index = r.varint()
      const batch = readOptionalBatch(r, LIST_MAX)
      return batch === undefined ? null : { type: 'Body', index, batch }
    }
    case TAGS.Prepared: {
      const certificate = readCertificate(r)
      return certificate && { type: 'Prepared', certificate }
    }
    case TAGS.Committed: {
      const commits = readList(r, (one) => readOf(one, 'Commit'))
      return commits && { type: 'Committed', commits }
    }
    case TAGS.ViewChangeSaid: {
      const viewChange = readOf(r, 'ViewChange')
      return viewChange && { type: 'ViewChangeSaid', viewChange }
    }
    case TAGS.ViewLeft:
      return { type: 'ViewLeft', view: r.varint() }
    case TAGS.NewViewAccepted: {
      const newView = readOf(r, 'NewView')
      return newView && { type: 'NewViewAccepted', newView }
    }
    case TAGS.Stable: {
      const checkpoints = readList(r, (one) => readOf(one, 'Checkpoint'))
      return checkpoints && { type: 'Stable', checkpoints }
    }
    case TAGS.SnapshotTaken:
      return { type: 'SnapshotTaken', snapshot: readSnapshotMeta(r), history: readDigest(r) }
    case TAGS.SnapshotInstalled:
      return { type: 'SnapshotInstalled', snapshot: readSnapshotMeta(r), history: readDigest(r) }
    case TAGS.Lost:
      return { type: 'Lost' }
    case TAGS.SnapshotLost:
      return { type: 'SnapshotLost' }
    default:
      return null
  }
}

function readState(r: Reader): StateRecord | null {
  const view = r.varint()
  const active = r.byte() === 1
  const mute = r.byte() === 1
  const checkpoints = readList(r, (one) => readOf(one, 'Checkpoint'))
  if (checkpoints === null) return null
  const newView = r.byte() === 1 ? readOf(r, 'NewView') : null
  const viewChange = r.byte() === 1 ? readOf(r, 'ViewChange') : null
  const snapshot = r.byte() === 1 ? readSnapshotMeta(r) : null
  const history = readDigest(r)
  const members = readMembers(r)
  const views = { view, active, mute, newView, viewChange }
  return { type: 'State', ...views, checkpoints, snapshot, history, members }
}

function writeOptional<T>(w: Writer, one: T | null, write: (w: Writer, one: T) => void): void {
  w.byte(one === null ? 0 : 1)
  if (one !== null) write(w, one)
}
