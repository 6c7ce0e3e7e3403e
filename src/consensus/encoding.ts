/** Bytes of what both protocols write: names, members, configurations, snapshots' descriptions. */
import { utf8Decode } from '../base/utf8.js'
import { Reader, type Writer } from '../base/varint.js'
import type { Configuration, Member, SnapshotMeta } from './contract.js'

/** Of a list from outside; more is refused, not allocated. */
export const LIST_MAX: number = 1 << 20

export function writeList<T>(
  w: Writer,
  list: readonly T[],
  write: (w: Writer, one: T) => void,
): void {
  w.varint(list.length)
  for (const one of list) write(w, one)
}

/** Null when it has more than `max`, or one of it is nothing. */
export function readList<T>(
  r: Reader,
  read: (r: Reader) => T | null,
  max: number = LIST_MAX,
): T[] | null {
  const count = r.varint()
  if (count > max) return null
  const list: T[] = []
  for (let i = 0; i < count; i++) {
    const one = read(r)
    if (one === null || !r.ok) return null
    list.push(one)
  }
  return list
}

/** What stands one behind the other, to the end of the bytes. Null when one of it is nothing. */
export function readAll<T>(bytes: Uint8Array, read: (r: Reader) => T | null): T[] | null {
  const r = new Reader(bytes)
  const all: T[] = []
  while (r.left > 0) {
    const one = read(r)
    if (one === null || !r.ok) return null
    all.push(one)
  }
  return all
}

export function writeText(w: Writer, text: string): void {
  w.text(text)
}

export function readText(r: Reader): string {
  return utf8Decode(r.chunk())
}

export function writeMembers(w: Writer, members: readonly Member[]): void {
  w.varint(members.length)
  for (const member of members) {
    writeText(w, member.id)
    writeText(w, member.uid)
  }
}

export function readMembers(r: Reader): Member[] {
  const count = r.varint()
  const members: Member[] = []
  for (let i = 0; i < count && r.ok; i++) members.push({ id: readText(r), uid: readText(r) })
  return members
}

export function writeConfiguration(w: Writer, c: Configuration): void {
  writeMembers(w, c.members)
  for (const ids of [c.voters, c.votersOutgoing, c.learners, c.learnersNext]) writeTexts(w, ids)
  w.byte(c.autoLeave ? 1 : 0)
}

export function readConfiguration(r: Reader): Configuration {
  return {
    members: readMembers(r),
    voters: readTexts(r),
    votersOutgoing: readTexts(r),
    learners: readTexts(r),
    learnersNext: readTexts(r),
    autoLeave: r.byte() === 1,
  }
}

export function writeSnapshotMeta(w: Writer, snapshot: SnapshotMeta): void {
  w.varint(snapshot.index).varint(snapshot.term).varint(snapshot.time)
  writeConfiguration(w, snapshot.configuration)
  writeText(w, snapshot.digest)
  w.varint(snapshot.bytes)
}

export function readSnapshotMeta(r: Reader): SnapshotMeta {
  return {
    index: r.varint(),
    term: r.varint(),
    time: r.varint(),
    configuration: readConfiguration(r),
    digest: readText(r),
    bytes: r.varint(),
  }
}

export function writeTexts(w: Writer, texts: readonly string[]): void {
  w.varint(texts.length)
  for (const text of texts) writeText(w, text)
}

export function readTexts(r: Reader): string[] {
  const count = r.varint()
  const texts: string[] = []
  for (let i = 0; i < count && r.ok; i++) texts.push(readText(r))
  return texts
}
