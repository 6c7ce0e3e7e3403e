import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../../src/cli/wal-view.js'
import { pbft, type WalRecord } from '../../../src/consensus/pbft/index.js'
import type { Checkpoint, Proposed } from '../../../src/consensus/pbft/messages.js'
import { raft } from '../../../src/consensus/raft/index.js'

type Items = Parameters<typeof wordsOf>[0]

const MEMBERS = ['n1', 'n2', 'n3', 'n4'].map((id) => ({ id, uid: `uid-${id}` }))
const DIGEST = 'ab'.repeat(32)
const signed = { epoch: 0, signature: new Uint8Array(64) }

function items(payloads: readonly Uint8Array[]): Items {
  return payloads.map((payload, i) => ({
    kind: 'batch',
    file: 'wal-1.seg',
    offset: 512 * i,
    batch: i + 1,
    durableBatch: i,
    payload,
  })) as unknown as Items
}

function proposed(index: number): Proposed {
  return { type: 'Proposed', view: 2, index, digest: DIGEST, sender: 'n3', ...signed }
}

function linesOf(record: WalRecord): string[] {
  const payload = pbft.encodeRecords([record])
  const words = wordsOf(items([payload]))
  expect(words.protocol).toBe('pbft')
  return (words.decode(payload) ?? []).map(({ line }) => line)
}

describe('a log in the words of the protocol that wrote it', () => {
  it('tells the protocol from the records, of either', () => {
    const ofRaft = items([raft.encodeRecords([raft.bootstrap(MEMBERS)])])
    const ofPbft = items([pbft.encodeRecords([pbft.bootstrap(MEMBERS)])])
    expect(wordsOf(ofRaft).protocol).toBe('raft')
    expect(wordsOf(ofPbft).protocol).toBe('pbft')
  })

  it('PBFT: what was accepted, prepared, committed and left, and by whom', () => {
    const request = { session: 4, seq: 9, ackedThrough: 8, command: new Uint8Array(15) }
    const batch = { time: 1_000, requests: [request] }
    expect(linesOf({ type: 'Accepted', proposed: proposed(7), batch })).toEqual([
      'Accepted 7@2 abababababab (1 requests, 15 bytes)',
    ])
    expect(linesOf({ type: 'Accepted', proposed: proposed(8), batch: null })).toEqual([
      'Accepted 8@2 abababababab (null batch)',
    ])
    const vote = { view: 2, index: 7, digest: DIGEST, ...signed }
    const prepares = ['n1', 'n2'].map((sender) => ({ type: 'Prepare' as const, ...vote, sender }))
    expect(linesOf({ type: 'Prepared', certificate: { proposed: proposed(7), prepares } })).toEqual(
      ['Prepared 7@2 abababababab by n3,n1,n2'],
    )
    const commits = ['n1', 'n2', 'n4'].map((sender) => ({
      type: 'Commit' as const,
      ...vote,
      sender,
    }))
    expect(linesOf({ type: 'Committed', commits })).toEqual([
      'Committed 7@2 abababababab by n1,n2,n4',
    ])
    const checkpoints = ['n1', 'n2', 'n4'].map(
      (sender): Checkpoint => ({
        type: 'Checkpoint',
        index: 128,
        digest: DIGEST,
        sender,
        ...signed,
      }),
    )
    expect(linesOf({ type: 'Stable', checkpoints })).toEqual(['Stable 128 by n1,n2,n4'])
    expect(linesOf({ type: 'ViewLeft', view: 3 })).toEqual(['ViewLeft for view 3'])
  })

  it('never shows what a command says', () => {
    const command = new TextEncoder().encode('the secret')
    const batch = { time: 1, requests: [{ session: 1, seq: 1, ackedThrough: 0, command }] }
    const payload = pbft.encodeRecords([{ type: 'Accepted', proposed: proposed(1), batch }])
    const shown = wordsOf(items([payload])).decode(payload)
    expect(JSON.stringify(shown)).not.toContain('secret')
    expect(JSON.stringify(shown)).toContain('"bytes":10')
  })
})
