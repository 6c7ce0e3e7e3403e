/**
 * One byte of one node's log out of three has changed, in any record: the bytes of a real log, the real fold, and peers that answer.
 * The node starts, is stable over a restart before it was answered, and has the very log of its peers in the end.
 */
import { describe, expect, it } from 'vitest'
import { present } from '../../../src/base/assert.js'
import { raft, type WalRecord } from '../../../src/consensus/raft/index.js'
import { isWhole, lastIndex } from '../../../src/consensus/raft/log.js'
import { recordBytes } from '../../../src/wal/record.js'
import { type RecoveredRecord, recover } from '../../../src/wal/recovery.js'
import { WalError } from '../../../src/wal/refusal.js'
import { RaftCluster } from '../../support/raft-cluster.js'
import { recovered } from '../../support/raft-life.js'
import type { Batch } from '../../support/raft-node.js'
import { RECOVER } from './cases.js'
import { DIR, memory, opened } from './support.js'

const VICTIM = 'n3'
const NAME = 'wal-00000000000001.seg'
const HEADER = { length: 4, checksum: 44, payload: 48 }

/** Two leaders, a vote, entries one by one and many at once, and a snapshot of the victim's own. */
function history(): RaftCluster {
  const c = new RaftCluster(['n1', 'n2', VICTIM], { snapshotEntries: 4, keepEntries: 100 })
  c.elect('n1')
  for (const count of [1, 2, 3, 1]) {
    c.propose('n1', count)
    c.settle()
  }
  c.tickAll(4)
  c.settle()
  const { taking } = c.node(VICTIM)
  expect(taking).not.toBeNull()
  c.node(VICTIM).finishSnapshot()
  c.partition(['n1'], ['n2', VICTIM])
  c.elect('n2')
  c.heal()
  for (let i = 0; i < 4; i++) {
    c.propose('n2')
    c.settle()
  }
  return c
}

/** The victim's batches as a log writes them, closed by a mark. */
function written(disk: readonly Batch[]): Uint8Array {
  const files = memory()
  const { wal } = opened(files)
  const state: WalRecord = { type: 'State', term: 0, votedFor: null, snapshot: null }
  let last = 0
  for (const { batch, records, shape } of disk) {
    last = Math.max(last, raft.lastIndexOf(records))
    wal.append(batch + 1, raft.encodeRecords(records), {
      lastIndex: last,
      shape: shape ?? recovered(records).shape(),
      stateRecord: () => raft.encodeRecords([state]),
    })
    wal.sync(() => {})
    files.turns.drain()
  }
  expect(wal.counters.segments).toBe(1)
  wal.mark()
  files.turns.drain()
  return present(files.fs.content(`${DIR}/${NAME}`))
}

/** What a start gets of these bytes; an error: it is refused. */
function read(bytes: Uint8Array): WalRecord[] | WalError {
  try {
    const { items } = recover([{ name: NAME, number: 1, bytes }], RECOVER)
    return items.flatMap((item) => {
      if (item.kind === 'lost') return [present(raft.lost(item.shape), 'a shape')]
      if (item.kind === 'mark' || item.kind === 'shape') return []
      return present(raft.decodeRecords(item.payload), 'records')
    })
  } catch (error) {
    if (error instanceof WalError) return error
    throw error
  }
}

function recordsIn(bytes: Uint8Array): RecoveredRecord[] {
  const { items } = recover([{ name: NAME, number: 1, bytes }], RECOVER)
  return items.flatMap((item) => (item.kind === 'lost' ? [] : [item]))
}

/** Gives how many entries were missing. */
function heals(records: readonly WalRecord[], what: string): number {
  const c = history()
  const victim = c.node(VICTIM)
  victim.crash()
  victim.disk = [{ batch: 0, records }]
  victim.start()
  const { missing } = victim.core.status()
  victim.crash()
  victim.start()
  expect(victim.core.status().missing, what).toBe(missing)
  for (let i = 0; i < 400 && !isWhole(victim.core.state.log); i++) {
    c.tickAll()
    c.settle()
  }
  expect(isWhole(victim.core.state.log), what).toBe(true)
  c.propose('n2')
  c.settle()
  c.tickAll(5)
  c.settle()
  const logs = c.ids.map((id) => c.node(id).core.state)
  for (const { log, commitIndex } of logs) {
    expect(lastIndex(log), what).toBe(lastIndex(victim.core.state.log))
    expect(commitIndex, what).toBe(lastIndex(log))
  }
  // What was healed is on the disk.
  victim.crash()
  victim.start()
  expect(victim.core.status().missing, what).toBe(0)
  return missing
}

describe('one changed byte', () => {
  it('in any record of one log out of three: the cluster has it back', () => {
    const whole = written(history().node(VICTIM).disk)
    const records = recordsIn(whole)
    const mark = present(records.at(-1))
    const seen = { healed: 0, nothingMissing: 0, refused: 0 }
    for (const record of records) {
      const size = recordBytes(record.payload.length)
      const places = [0, HEADER.length, HEADER.checksum, HEADER.payload, size >> 1, size - 1]
      for (const place of places) {
        const bytes = whole.slice()
        const at = record.offset + place
        bytes[at] = (bytes[at] ?? 0) ^ 0x10
        const what = `${record.kind} ${record.batch}, byte ${place}`
        const told = read(bytes)
        if (told instanceof WalError) {
          // Nothing is behind the mark that could tell.
          expect(record, what).toBe(mark)
          seen.refused++
        } else if (heals(told, what) > 0) seen.healed++
        else seen.nothingMissing++
      }
    }
    expect(records.filter(({ kind }) => kind === 'batch').length).toBeGreaterThan(10)
    expect(seen.healed).toBeGreaterThan(20)
    expect(seen.nothingMissing).toBeGreaterThan(20)
    expect(seen.refused).toBeLessThanOrEqual(6)
  })
})
