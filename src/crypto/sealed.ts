/**
 * What clients and replicas seal for each other: requests, replies, and a client's wish to hear replies. What is said
 * in one cluster, or as one kind, means nothing in another.
 */
import { concat, EMPTY } from '../base/bytes.js'
import { utf8Encode } from '../base/utf8.js'
import { Writer } from '../base/varint.js'
import { makeAuth, principalOf } from '../consensus/auth.js'
import type { Request } from '../consensus/contract.js'
import { writeText } from '../consensus/encoding.js'
import type { NodeId } from '../consensus/ids.js'
import type { Signer, Suite } from './ports.js'
import type { RequestMacs } from './request-macs.js'
import { SEALED_MAX, seal } from './seals.js'

const REQUEST_CONTEXT = utf8Encode('quorate-pbft-request-1')
const REPLY_CONTEXT = utf8Encode('quorate-pbft-reply-1')

/** Who speaks, and where. */
export interface Voice {
  readonly suite: Suite
  readonly signer: Signer
  readonly clusterId: string
  /** Where requests are made cheaper for the replicas. */
  readonly macs?: RequestMacs
}

/** A replica's word on what a request came to. */
export interface Reply {
  readonly replica: NodeId
  /** Its view when it answered: where the client looks for the primary. */
  readonly view: number
  readonly session: number
  readonly seq: number
  /** requestDigest of what was asked: an answer to one request is none to another. */
  readonly request: Uint8Array
  /** As the machine gave it. */
  readonly answer: Uint8Array
}

/** What is hashed is needed no longer: the same memory for all of it, if it is not too much to keep. */
const HASHED = new Writer(4_096)

function hashedWriter(length: number): Writer {
  return length <= 2_048 ? HASHED.restart() : new Writer(256 + length)
}

/** A request is hashed at the door, in its batch and when it is answered, and never changes. */
const DIGESTS = new WeakMap<
  Request,
  { readonly suite: Suite; readonly clusterId: string; readonly digest: Uint8Array }
>()

/** A hash over all that the client says. */
export function requestDigest(suite: Suite, clusterId: string, request: Request): Uint8Array {
  const known = DIGESTS.get(request)
  if (known?.clusterId === clusterId && known.suite === suite) return known.digest
  const w = hashedWriter(request.command.length).chunk(REQUEST_CONTEXT)
  writeText(w, clusterId)
  w.raw(principalOf(request.auth))
  w.varint(request.session).varint(request.seq).varint(request.ackedThrough)
  w.byte(request.readOnly === true ? 1 : 0).chunk(request.command)
  const digest = suite.digest(w.finish())
  DIGESTS.set(request, { suite, clusterId, digest })
  return digest
}

/** The requests with the client's signature, one for up to SEALED_MAX of them. */
export function signRequests(voice: Voice, requests: readonly Request[]): Request[] {
  const { suite, signer, clusterId } = voice
  const signed: Request[] = []
  for (let at = 0; at < requests.length; at += SEALED_MAX) {
    const some = requests
      .slice(at, at + SEALED_MAX)
      .map((request) => ({ ...request, auth: signer.publicKey }))
    const leaves = some.map((request) => requestDigest(suite, clusterId, request))
    const seals = seal(suite.digest, signer.sign, leaves)
    const macs = voice.macs?.areDue(some.length) === true ? voice.macs : undefined
    some.forEach((request, i) => {
      const proof = [seals[i] ?? EMPTY, macs?.of(leaves[i] ?? EMPTY) ?? EMPTY]
      signed.push({ ...request, auth: makeAuth(signer.publicKey, concat(proof)) })
    })
  }
  return signed
}

export function replyDigest(suite: Suite, clusterId: string, reply: Reply): Uint8Array {
  const w = hashedWriter(reply.answer.length).chunk(REPLY_CONTEXT)
  writeText(w, clusterId)
  writeText(w, reply.replica)
  w.varint(reply.view).varint(reply.session).varint(reply.seq)
  w.chunk(reply.request).chunk(reply.answer)
  return suite.digest(w.finish())
}

/** One seal a reply. */
export function signReplies(voice: Voice, replies: readonly Reply[]): Uint8Array[] {
  const { suite, signer, clusterId } = voice
  const seals: Uint8Array[] = []
  for (let at = 0; at < replies.length; at += SEALED_MAX) {
    const leaves = replies
      .slice(at, at + SEALED_MAX)
      .map((reply) => replyDigest(suite, clusterId, reply))
    seals.push(...seal(suite.digest, signer.sign, leaves))
  }
  return seals
}

export function listenDigest(
  suite: Suite,
  clusterId: string,
  of: { readonly replica: NodeId; readonly principal: Uint8Array },
): Uint8Array {
  const w = new Writer(128)
  writeText(w, 'quorate-pbft-listen-1')
  writeText(w, clusterId)
  writeText(w, of.replica)
  w.chunk(of.principal)
  return suite.digest(w.finish())
}

/** Proves to one replica that replies to this key may be sent to whoever shows it. */
export function signListen(voice: Voice, replica: NodeId): Uint8Array {
  const { suite, signer, clusterId } = voice
  const leaf = listenDigest(suite, clusterId, { replica, principal: signer.publicKey })
  return makeAuth(signer.publicKey, seal(suite.digest, signer.sign, [leaf])[0] ?? leaf)
}
