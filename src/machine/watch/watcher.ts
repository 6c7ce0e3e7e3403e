/** One watch of one stream, and which changes it is told. */
import type { Version } from '../kv/history.js'

export interface WatchRange {
  /** Latin1. */
  readonly key: string
  /** '' for the key alone, null for every key from `key` on. */
  readonly end: string | null
}

export interface Watcher {
  readonly id: number
  readonly range: WatchRange
  readonly noPut: boolean
  readonly noDelete: boolean
  readonly prevKv: boolean
  readonly fragment: boolean
  readonly progressNotify: boolean
  readonly sink: WatchSink
  /** The first revision that it was not told yet. Of one that is in step: never above what it wants next. */
  next: number
}

/** The stream behind a watcher. */
export interface WatchSink {
  /** False: it is full for now, and tells the hub when it is not. */
  readonly writable: boolean
  /** Whole revisions, oldest first; the store is at `revision` with them. */
  events(watcher: Watcher, events: readonly Version[], revision: number): void
  /** The changes that it asks for are compacted away. */
  compacted(watcher: Watcher, compactRevision: number): void
}

export function isInRange({ key, end }: WatchRange, candidate: string): boolean {
  if (end === '') return candidate === key
  return candidate >= key && (end === null || candidate < end)
}

export function wants(watcher: Watcher, version: Version): boolean {
  return isOfKind(watcher, version) && isInRange(watcher.range, version.history.key)
}

/** Of a change of his keys: is it one that he wants? */
export function isOfKind(watcher: Watcher, version: Version): boolean {
  return version.mod >= watcher.next && !(version.deleted ? watcher.noDelete : watcher.noPut)
}
