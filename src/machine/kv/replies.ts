/**
 * Replies as etcd encodes its response messages, written by hand: the generated encoder goes through bigint
 * for every int64. Headers carry the revision alone; a server adds the rest. Each reply knows its length from
 * the start, so that one buffer of the right size is filled once. A test holds this against the generated code.
 */
import { utf8Decode, utf8Encode } from '../../base/utf8.js'
import { varintLength, writeVarint } from '../../base/varint.js'
import type { KvError } from './errors.js'
import type { Version } from './history.js'
import { leaseLength, writeLease } from './lease-id.js'

export type Reply =
  | {
      readonly type: 'Range'
      readonly size: number
      readonly revision: number
      readonly kvs: readonly Version[]
      readonly keysOnly: boolean
      readonly more: boolean
      readonly count: number
    }
  | {
      readonly type: 'Put'
      readonly size: number
      readonly revision: number
      readonly prev: Version | null
    }
  | {
      readonly type: 'DeleteRange'
      readonly size: number
      readonly revision: number
      readonly deleted: number
      readonly prevs: readonly Version[]
    }
  | {
      readonly type: 'Txn'
      readonly size: number
      /** Null: an empty header, as etcd gives a nested transaction. */
      readonly revision: number | null
      readonly succeeded: boolean
      readonly responses: readonly Reply[]
    }
  | { readonly type: 'Compact'; readonly size: number; readonly revision: number }

type Unsized<T> = T extends { size: number } ? Omit<T, 'size'> : never

/** The reply with its encoded length. */
export function sized(reply: Unsized<Reply>): Reply {
  const header = reply.revision === null ? 2 : headerSize(reply.revision)
  switch (reply.type) {
    case 'Range': {
      const flags = (reply.more ? 2 : 0) + (reply.count > 0 ? 1 + varintLength(reply.count) : 0)
      return { ...reply, size: header + flags + kvsSize(reply.kvs, reply.keysOnly) }
    }
    case 'Put': {
      const prev = reply.prev === null ? 0 : kvsSize([reply.prev], false)
      return { ...reply, size: header + prev }
    }
    case 'DeleteRange': {
      const deleted = reply.deleted > 0 ? 1 + varintLength(reply.deleted) : 0
      return { ...reply, size: header + deleted + kvsSize(reply.prevs, false) }
    }
    case 'Txn': {
      let size = header + (reply.succeeded ? 2 : 0)
      for (const op of reply.responses) size += fieldSize(fieldSize(op.size))
      return { ...reply, size }
    }
    case 'Compact':
      return { ...reply, size: header }
  }
}

/** A result: status 0, then the message. */
export function encodeReply(reply: Reply): Uint8Array {
  const out = new Uint8Array(1 + reply.size)
  write(out, 1, reply)
  return out
}

/** What most Puts are answered. */
export function encodePutReply(revision: number): Uint8Array {
  const out = new Uint8Array(1 + headerSize(revision))
  writeHeader(out, 1, revision)
  return out
}

export function encodeError(error: KvError): Uint8Array {
  const text = utf8Encode(error.message)
  const out = new Uint8Array(1 + text.length)
  out[0] = error.code
  out.set(text, 1)
  return out
}

/** A message of which few are sent, by the generated encoder. */
export function encodeMessage<T>(
  type: { encode(message: T): { finish(): Uint8Array } },
  message: T,
): Uint8Array {
  const bytes = type.encode(message).finish()
  const out = new Uint8Array(1 + bytes.length)
  out.set(bytes, 1)
  return out
}

export type Result =
  /** `message` is a view: etcd's response message. */
  | { readonly ok: true; readonly message: Uint8Array }
  | { readonly ok: false; readonly error: KvError }

/** Null when the bytes are no result. */
export function decodeResult(bytes: Uint8Array): Result | null {
  const code = bytes[0]
  if (code === undefined || code > 16) return null
  const body = bytes.subarray(1)
  if (code === 0) return { ok: true, message: body }
  return { ok: false, error: { code, message: utf8Decode(body) } }
}

const OP_FIELD = { Range: 1, Put: 2, DeleteRange: 3, Txn: 4, Compact: 0 } as const

function write(out: Uint8Array, from: number, reply: Reply): number {
  let at = writeHeader(out, from, reply.revision)
  switch (reply.type) {
    case 'Range':
      at = writeKvs(out, at, reply.kvs, reply.keysOnly, 0x12)
      if (reply.more) {
        out[at++] = 0x18
        out[at++] = 1
      }
      return writeCount(out, at, 0x20, reply.count)
    case 'Put':
      return reply.prev === null ? at : writeKvs(out, at, [reply.prev], false, 0x12)
    case 'DeleteRange':
      at = writeCount(out, at, 0x10, reply.deleted)
      return writeKvs(out, at, reply.prevs, false, 0x1a)
    case 'Txn':
      if (reply.succeeded) {
        out[at++] = 0x10
        out[at++] = 1
      }
      for (const op of reply.responses) {
        out[at++] = 0x1a
        at = writeVarint(out, at, fieldSize(op.size))
        out[at++] = (OP_FIELD[op.type] << 3) | 2
        at = writeVarint(out, at, op.size)
        at = write(out, at, op)
      }
      return at
    case 'Compact':
      return at
  }
}

/** Tag of one byte, length, content. */
function fieldSize(size: number): number {
  return 1 + varintLength(size) + size
}

function headerSize(revision: number): number {
  return 2 + 1 + varintLength(revision)
}

function writeHeader(out: Uint8Array, from: number, revision: number | null): number {
  let at = from
  out[at++] = 0x0a
  if (revision === null) {
    out[at++] = 0
    return at
  }
  out[at++] = 1 + varintLength(revision)
  out[at++] = 0x18
  return writeVarint(out, at, revision)
}

function writeCount(out: Uint8Array, at: number, tag: number, count: number): number {
  if (count === 0) return at
  out[at] = tag
  return writeVarint(out, at + 1, count)
}

/** Bytes of them in a reply, whole. */
export function prevsSize(kvs: readonly Version[]): number {
  return kvsSize(kvs, false)
}

function kvsSize(kvs: readonly Version[], keysOnly: boolean): number {
  let size = 0
  for (const kv of kvs) size += fieldSize(kvSize(kv, keysOnly))
  return size
}

function kvSize(kv: Version, keysOnly: boolean): number {
  const value = keysOnly ? 0 : kv.length
  return (
    fieldSize(kv.history.key.length) +
    1 +
    varintLength(kv.create) +
    1 +
    varintLength(kv.mod) +
    1 +
    varintLength(kv.version) +
    (value === 0 ? 0 : fieldSize(value)) +
    (kv.lease === '0' ? 0 : 1 + leaseLength(kv.lease))
  )
}

function writeKvs(
  out: Uint8Array,
  from: number,
  kvs: readonly Version[],
  keysOnly: boolean,
  tag: number,
): number {
  let at = from
  for (const kv of kvs) {
    out[at++] = tag
    at = writeVarint(out, at, kvSize(kv, keysOnly))
    at = writeKv(out, at, kv, keysOnly)
  }
  return at
}

function writeKv(out: Uint8Array, from: number, kv: Version, keysOnly: boolean): number {
  const key = kv.history.key
  out[from] = 0x0a
  let at = writeVarint(out, from + 1, key.length)
  for (let i = 0; i < key.length; i++) out[at++] = key.charCodeAt(i)
  out[at++] = 0x10
  at = writeVarint(out, at, kv.create)
  out[at++] = 0x18
  at = writeVarint(out, at, kv.mod)
  out[at++] = 0x20
  at = writeVarint(out, at, kv.version)
  if (!keysOnly && kv.length > 0) {
    out[at++] = 0x2a
    at = writeVarint(out, at, kv.length)
    out.set(kv.value, at)
    at += kv.length
  }
  if (kv.lease !== '0') {
    out[at++] = 0x30
    at = writeLease(out, at, kv.lease)
  }
  return at
}
