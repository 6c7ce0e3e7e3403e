/**
 * The header of every response. The machine writes one with the revision alone, so that all nodes answer a command
 * with the same bytes; who answered is put into it on the way out, without decoding what follows.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { varintLength, writeVarint } from '../../base/varint.js'
import type { ResponseHeader } from '../../gen/etcd/api/etcdserverpb/rpc.js'

/** Tags of the response's field 1, and of the header's revision and term. */
const HEADER_TAG = 0x0a
const REVISION_TAG = 0x18
const TERM_TAG = 0x20

export class Headers {
  readonly #cluster: string
  readonly #member: string
  /** Fields 1 and 2, encoded. */
  readonly #who: Uint8Array
  readonly #term: () => number

  constructor(ids: { readonly cluster: string; readonly member: string }, term: () => number) {
    this.#cluster = ids.cluster
    this.#member = ids.member
    const writer = new BinaryWriter()
    writer.uint32(0x08).uint64(ids.cluster).uint32(0x10).uint64(ids.member)
    this.#who = writer.finish()
    this.#term = term
  }

  of(revision: number): ResponseHeader {
    const raftTerm = this.#term()
    return { clusterId: this.#cluster, memberId: this.#member, revision, raftTerm }
  }

  /** A response of the machine's, whose header holds at most a revision of it. */
  complete(response: Uint8Array): Uint8Array {
    const { rest, revision } = split(response)
    const term = this.#term()
    const who = this.#who
    const numbers = fieldLength(revision) + fieldLength(term)
    const length = who.length + numbers
    const out = new Uint8Array(1 + varintLength(length) + length + rest.length)
    out[0] = HEADER_TAG
    let at = writeVarint(out, 1, length)
    out.set(who, at)
    at = writeField(out, at + who.length, REVISION_TAG, revision)
    at = writeField(out, at, TERM_TAG, term)
    out.set(rest, at)
    return out
  }
}

/** Of a response of the machine's; 0: it tells none. */
export function revisionOf(response: Uint8Array): number {
  return split(response).revision
}

function split(response: Uint8Array): { rest: Uint8Array; revision: number } {
  if (response[0] !== HEADER_TAG) return { rest: response, revision: 0 }
  // The machine's own header is shorter than 128 bytes.
  const length = response[1] ?? 0
  const header = response.subarray(2, 2 + length)
  let revision = 0
  if (header[0] === REVISION_TAG)
    for (let at = header.length - 1; at > 0; at--)
      revision = revision * 128 + ((header[at] ?? 0) & 0x7f)
  return { rest: response.subarray(2 + length), revision }
}

function fieldLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value)
}

function writeField(out: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at
  out[at] = tag
  return writeVarint(out, at + 1, value)
}
