import { createHash } from 'node:crypto'
import { nextInt, seededRandom } from '../../../src/base/random.js'
import type { Hasher } from '../../../src/base/sha256.js'
import { utf8Decode, utf8Encode } from '../../../src/base/utf8.js'
import type { FileSystem } from '../../../src/wal/file-system.js'
import {
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from '../../../src/wal/memory-file-system.js'
import { type Opened, openWal } from '../../../src/wal/open.js'
import type { Lost, RecoveredRecord } from '../../../src/wal/recovery.js'
import { WalError } from '../../../src/wal/refusal.js'
import type { Wal, WalOptions } from '../../../src/wal/wal.js'

export const DIR = '/data'
export const IDENTITY = { clusterId: 'c1', nodeId: 'n1', uid: 'u1' }
export const SEGMENT_BYTES = 5120

export function nativeHasher(): Hasher {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() }
}

/** Completions in the order of the calls, run by `drain`: every interleaving is the test's. */
export class Turns {
  #tasks: (() => void)[] = []

  readonly soon = (_operation: unknown, _path: unknown, task: () => void): void => {
    this.#tasks.push(task)
  }

  drain(): void {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) task()
  }

  step(): boolean {
    const task = this.#tasks.shift()
    task?.()
    return task !== undefined
  }

  drop(): void {
    this.#tasks = []
  }
}

export function memory(options: Partial<MemoryFileSystemOptions> = {}) {
  const turns = new Turns()
  return { turns, fs: new MemoryFileSystem({ soon: turns.soon, ...options }) }
}

export function walOptions(overrides: Partial<WalOptions> = {}): WalOptions {
  return {
    identity: IDENTITY,
    segmentBytes: SEGMENT_BYTES,
    newHasher: nativeHasher,
    onFailure: () => {},
    ...overrides,
  }
}

export function open(
  disk: { readonly fs: FileSystem; readonly turns: Turns },
  overrides: Partial<WalOptions> = {},
): Opened | WalError | null {
  let result: Opened | WalError | null = null
  openWal(disk.fs, DIR, walOptions(overrides), (error, opened) => {
    result = error ?? opened
  })
  disk.turns.drain()
  return result
}

export function opened(disk: { readonly fs: FileSystem; readonly turns: Turns }): Opened {
  const result = open(disk)
  if (result === null || result instanceof WalError) throw result ?? new Error('not opened')
  return result
}

/** A batch's payload says what it is, so that a wrong one cannot pass for it. */
export function payloadOf(batch: number): Uint8Array {
  return utf8Encode(`batch ${batch} ${'x'.repeat((batch * 37) % 180)}`)
}

/** Tells which batch it follows. */
export function shapeOf(batch: number): Uint8Array {
  return utf8Encode(`shape behind ${batch}`)
}

export function aboutOf(batch: number, stateRecord: () => Uint8Array, lastIndex = batch) {
  return { lastIndex, shape: shapeOf(batch), stateRecord }
}

export function appendBatch(wal: Wal, batch: number): void {
  wal.append(batch, payloadOf(batch), {
    lastIndex: batch * 10,
    shape: shapeOf(batch),
    stateRecord: () => utf8Encode(`state before ${batch}`),
  })
}

/** Appends and syncs until a batch opens the second segment; that one is appended and not yet written. */
export function fillSegment(disk: { readonly turns: Turns }, wal: Wal): number {
  let batch = 0
  for (;;) {
    const { segments } = wal.counters
    appendBatch(wal, ++batch)
    if (wal.counters.segments > segments && batch > 1) return batch
    wal.sync(() => {})
    disk.turns.drain()
  }
}

export type Item = RecoveredRecord | Lost

export function batchRecords(items: readonly Item[]): RecoveredRecord[] {
  return items.flatMap((item) => (item.kind === 'batch' ? [item] : []))
}

export function batchesOf(items: readonly Item[]): number[] {
  return batchRecords(items).map((record) => record.batch)
}

/** Every record is what was appended under its number, and they come in order without a hole. */
export function assertTrue(items: readonly Item[]): void {
  let last: number | null = null
  for (const record of items) {
    if (record.kind === 'lost') throw new Error('a part of the log is missing')
    if (record.kind === 'state') {
      if (utf8Decode(record.payload) !== `state before ${record.batch}`)
        throw new Error(`a wrong State record of batch ${record.batch}`)
      continue
    }
    if (utf8Decode(record.payload) !== utf8Decode(payloadOf(record.batch)))
      throw new Error(`a wrong record of batch ${record.batch}`)
    if (last !== null && record.batch !== last + 1)
      throw new Error(`batch ${record.batch} behind ${last}`)
    last = record.batch
  }
}

export function segmentPaths(fs: MemoryFileSystem): string[] {
  return fs.paths().filter((path) => path.endsWith('.seg'))
}

/** `QUORATE_TESTS=all`: every case, for the long run. Else a sample, always the same one for the same seed. */
export const ALL_CASES = process.env.QUORATE_TESTS === 'all'

/**
 * True for one of so many cases, in no rhythm that what is tested could share: a sample by a stride alone would meet the same byte
 * of every record that is as long. With all cases asked for, always.
 */
export function sampler(seed: number, oneOf: number): () => boolean {
  const random = seededRandom(seed)
  return () => ALL_CASES || nextInt(random, 1, oneOf) === 1
}
