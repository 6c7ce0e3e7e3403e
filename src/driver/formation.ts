/**
 * How a cluster forms, once (PROTOCOL 6). Every data directory has a random uid. A node with an empty directory
 * neither votes nor campaigns until all initial members, itself included, hold the same list of uids; that list is
 * then the first entry of every log. So a wiped node looks nothing like a first boot: its uid is in no list.
 *
 * Why hearing everybody once is not enough:
 * 1. A and B exchange uids with C still silent on both; B's is b1. 2. A hears C and forms {a, b1, c}; B adopts it,
 * and the two commit a write. 3. B is wiped and comes back as b2. 4. C heard A before A formed and now hears b2:
 * it forms {a, b2, c} with B, and the two elect a leader that never saw the write.
 * So a node forms only what every other member confirms on a live stream: the very list, or having formed with it.
 *
 * Who was away meanwhile takes it from those that have formed, and a wiped member is refused on their word: it is true
 * for good, and so it outlives the stream on which it was said. W of them must have formed with the very same list,
 * since one that lies could otherwise make a false cluster of a new node, or stop it.
 */
import { assert } from '../base/assert.js'
import { utf8Decode, utf8Encode } from '../base/utf8.js'
import { Reader, Writer } from '../base/varint.js'
import type { Member } from '../consensus/contract.js'
import { compareNodeIds, type NodeId } from '../consensus/ids.js'

/** What a node tells in its handshake: whether it is formed, and the uids it knows or was formed with. */
export interface FormationState {
  readonly formed: boolean
  /** Sorted by id. */
  readonly members: readonly Member[]
}

export type FormationDecision =
  | { readonly type: 'Wait'; readonly missing: readonly NodeId[] }
  /** Write Bootstrap{members}, sync, go on as a member. */
  | { readonly type: 'Form'; readonly members: readonly Member[] }
  /** The cluster was formed with another data directory of this name. */
  | { readonly type: 'Refuse'; readonly by: readonly NodeId[]; readonly formedWith: string }

export interface Formation {
  readonly self: Member
  readonly initialMembers: readonly NodeId[]
  /** W: among so many there is one that does not lie. One, where members trust each other. */
  readonly weakQuorum: number
  /** The newest Hello of each other member. */
  readonly heard: Map<NodeId, { readonly uid: string; readonly state: FormationState }>
  /** What each other member says that the cluster formed with. */
  readonly claims: Map<NodeId, readonly Member[]>
}

export function newFormation(
  self: Member,
  initialMembers: readonly NodeId[],
  weakQuorum: number,
): Formation {
  return {
    self,
    initialMembers: [...initialMembers].sort(compareNodeIds),
    weakQuorum,
    heard: new Map(),
    claims: new Map(),
  }
}

/** What to say in the next Hello. */
export function formationState(f: Formation): FormationState {
  return { formed: false, members: knownMembers(f) }
}

/** A handshake with another member ended well; a newer one of the same member replaces what it said. */
export function onHello(f: Formation, from: Member, state: FormationState): FormationDecision {
  f.heard.set(from.id, { uid: from.uid, state })
  if (state.formed && canHaveFormed(f, from, state.members)) f.claims.set(from.id, state.members)
  return decide(f)
}

/** A member's stream ended: what it said before is no longer fresh. */
export function onGone(f: Formation, id: NodeId): void {
  f.heard.delete(id)
}

export function decide(f: Formation): FormationDecision {
  for (const members of f.claims.values()) {
    const by = [...f.claims].filter(([, said]) => sameMembers(said, members)).map(([id]) => id)
    if (by.length < f.weakQuorum) continue
    const mine = members.find((member) => member.id === f.self.id)
    assert(mine !== undefined, 'a claim names all initial members')
    if (mine.uid === f.self.uid) return { type: 'Form', members }
    return { type: 'Refuse', by: by.sort(compareNodeIds), formedWith: mine.uid }
  }
  const missing = f.initialMembers.filter((id) => id !== f.self.id && !f.heard.has(id))
  if (missing.length > 0) return { type: 'Wait', missing }
  const members = knownMembers(f)
  const unconfirmed = [...f.heard]
    .filter(([, said]) => !sameMembers(said.state.members, members))
    .map(([id]) => id)
  if (unconfirmed.length > 0) return { type: 'Wait', missing: unconfirmed.sort(compareNodeIds) }
  return { type: 'Form', members }
}

/** Of all initial members and of nobody else, and of the directory that says so. */
function canHaveFormed(f: Formation, by: Member, members: readonly Member[]): boolean {
  return (
    members.length === f.initialMembers.length &&
    members.every(({ id }, i) => id === f.initialMembers[i]) &&
    members.some(({ id, uid }) => id === by.id && uid === by.uid)
  )
}

function knownMembers(f: Formation): Member[] {
  const members: Member[] = []
  for (const id of f.initialMembers) {
    const uid = id === f.self.id ? f.self.uid : f.heard.get(id)?.uid
    if (uid !== undefined) members.push({ id, uid })
  }
  return members
}

function sameMembers(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((one, i) => one.id === b[i]?.id && one.uid === b[i]?.uid)
}

export function encodeFormationState(state: FormationState): Uint8Array {
  const w = new Writer(128)
  w.byte(state.formed ? 1 : 0).varint(state.members.length)
  for (const member of state.members) w.chunk(utf8Encode(member.id)).chunk(utf8Encode(member.uid))
  return w.finish()
}

export function decodeFormationState(bytes: Uint8Array): FormationState | null {
  const r = new Reader(bytes)
  const formed = r.byte() === 1
  const count = r.varint()
  const members: Member[] = []
  for (let i = 0; i < count && r.ok; i++)
    members.push({ id: utf8Decode(r.chunk()), uid: utf8Decode(r.chunk()) })
  return r.ok && r.left === 0 ? { formed, members } : null
}
