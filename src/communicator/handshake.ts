/** Who may talk to whom: the Hello that opens every stream, and its answer. */
import { randomBytes } from 'node:crypto'
import { equalBytes } from '../base/bytes.js'
import type { NodeId } from '../consensus/ids.js'
import {
  type Hello,
  type HelloReply,
  type Refusal,
  RefusalCode,
} from '../gen/quorate/peer/v1/peer.js'
import type { Identity } from './types.js'

/** Of the streams between peers; another number is refused. */
const PROTOCOL_VERSION = 1

const NONCE_BYTES = 12
/** What a peer may make us remember. */
const BOOTSTRAP_BYTES_MAX = 64 * 1024
const UID_CHARS_MAX = 128

/** Whom a handshake may come from, and with which data directory. */
export interface Members {
  has(id: NodeId): boolean
  /** Undefined: not known yet, any will do. */
  uidOf(id: NodeId): string | undefined
}

export function makeHello(self: Identity, target: NodeId, bootstrap: Uint8Array): Hello {
  return {
    clusterId: self.clusterId,
    nodeId: self.nodeId,
    targetNodeId: target,
    uid: self.uid,
    incarnation: self.incarnation,
    protocol: self.protocol,
    protocolVersion: PROTOCOL_VERSION,
    configurationEpoch: 0,
    groupId: self.groupId,
    bootstrap,
    nonce: randomBytes(NONCE_BYTES),
  }
}

/** Null: welcome. The order matters: a stranger learns no more than that it is in the wrong cluster. */
export function refusalOf(self: Identity, members: Members, hello: Hello): Refusal | null {
  if (hello.clusterId !== self.clusterId)
    return refuse(RefusalCode.CLUSTER, 'another cluster: token or initial members differ')
  if (hello.targetNodeId !== self.nodeId)
    return refuse(RefusalCode.TARGET, `this is ${self.nodeId}, not ${shown(hello.targetNodeId)}`)
  if (!members.has(hello.nodeId))
    return refuse(RefusalCode.MEMBER, `${shown(hello.nodeId)} is no other member of this cluster`)
  if (hello.protocol !== self.protocol)
    return refuse(RefusalCode.PROTOCOL, `this cluster runs ${self.protocol}`)
  if (hello.protocolVersion !== PROTOCOL_VERSION)
    return refuse(RefusalCode.VERSION, `this node speaks version ${PROTOCOL_VERSION}`)
  if (hello.groupId !== self.groupId)
    return refuse(RefusalCode.GROUP, `this is group ${self.groupId}`)
  if (!isSaneIdentity(hello)) return refuse(RefusalCode.MALFORMED, 'malformed Hello')
  const uid = members.uidOf(hello.nodeId)
  if (uid !== undefined && uid !== hello.uid)
    return refuse(RefusalCode.UID, `${hello.nodeId} joined with another data directory`)
  return null
}

export function makeReply(
  self: Identity,
  hello: Hello,
  bootstrap: Uint8Array,
  refusal: Refusal | null,
): HelloReply {
  const tells = refusal === null || concernsDirectory(refusal)
  return {
    nodeId: self.nodeId,
    // Who knows a directory's uid can pass for a start of it where members trust each other.
    uid: tells ? self.uid : '',
    nonce: hello.nonce.subarray(0, NONCE_BYTES),
    incarnation: self.incarnation,
    bootstrap: tells ? bootstrap : new Uint8Array(0),
    refusal: refusal ?? undefined,
  }
}

/** A wiped member must see what the cluster was formed with, an old copy which start was met; nobody else who is refused. */
export function concernsDirectory(refusal: Refusal): boolean {
  return refusal.code === RefusalCode.UID || refusal.code === RefusalCode.START
}

export type ReplyVerdict =
  /** An answer to an older Hello. */
  | { readonly type: 'stale' }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'welcome' }

export function judgeReply(members: Members, hello: Hello, reply: HelloReply): ReplyVerdict {
  if (!equalBytes(hello.nonce, reply.nonce)) return { type: 'stale' }
  if (reply.refusal !== undefined) return { type: 'refused', refusal: reply.refusal }
  if (reply.nodeId !== hello.targetNodeId)
    return {
      type: 'refused',
      refusal: refuse(RefusalCode.TARGET, `${shown(reply.nodeId)} answers at this address`),
    }
  if (!isSaneIdentity(reply))
    return { type: 'refused', refusal: refuse(RefusalCode.MALFORMED, 'malformed answer to Hello') }
  const uid = members.uidOf(hello.targetNodeId)
  if (uid !== undefined && uid !== reply.uid)
    return {
      type: 'refused',
      refusal: refuse(
        RefusalCode.UID,
        `${hello.targetNodeId} has another data directory than it joined with`,
      ),
    }
  return { type: 'welcome' }
}

const CODE_NAMES = new Map<number, string>(
  Object.entries(RefusalCode).map(([name, code]) => [code, name.toLowerCase()]),
)

export function refusalName(refusal: Refusal): string {
  return CODE_NAMES.get(refusal.code) ?? String(refusal.code)
}

function refuse(code: RefusalCode, text: string): Refusal {
  return { code, text }
}

function isSaneIdentity(of: { uid: string; incarnation: number; bootstrap: Uint8Array }): boolean {
  return (
    of.uid.length > 0 &&
    of.uid.length <= UID_CHARS_MAX &&
    of.incarnation > 0 &&
    of.bootstrap.length <= BOOTSTRAP_BYTES_MAX
  )
}

/** A name from outside, in a text of ours. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 64))
}
