/** The 64-bit ids that etcd's clients know a cluster and its members by. */
import { createHash } from 'node:crypto'
import type { NodeId } from '../../consensus/ids.js'

/** In decimal: the first eight bytes of a SHA-256, never 0, which means nobody. */
function idOf(...parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  const id = hash.digest().readBigUInt64BE(0)
  return (id === 0n ? 1n : id).toString()
}

export interface EtcdIds {
  readonly cluster: string
  memberOf(name: NodeId): string
  /** Null: no member has this id. */
  nameOf(member: string): NodeId | null
}

/** `members`: all names, in any order; `addresses` are theirs. The same on every node. */
export function etcdIds(
  token: string,
  members: readonly { readonly name: NodeId; readonly address: string }[],
): EtcdIds {
  const sorted = members.map(({ name, address }) => `${name}=${address}`).sort()
  const byName = new Map(members.map(({ name }) => [name, idOf(token, name)]))
  const byId = new Map([...byName].map(([name, id]) => [id, name]))
  return {
    cluster: idOf(token, ...sorted),
    memberOf: (name) => byName.get(name) ?? '0',
    nameOf: (member) => byId.get(member) ?? null,
  }
}
