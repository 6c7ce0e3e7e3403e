import { expect, it } from 'vitest'
import { COMMUNICATOR_LIMITS } from '../../../src/communicator/types.js'
import { encodeMessage } from '../../../src/consensus/pbft/codec.js'
import type { NewView, ViewChange } from '../../../src/consensus/pbft/messages.js'
import { DEFAULT_OPTIONS } from '../../../src/consensus/pbft/options.js'
import { quorum } from '../../../src/consensus/pbft/quorum.js'
import { encodeRecords } from '../../../src/consensus/pbft/records.js'
import { NODES_MAX } from '../../../src/crypto/cluster-file.js'
import { RECORD_BYTES_MAX } from '../../../src/wal/record.js'

/** All numbers and names as long as they may be, and every index of the window prepared by everybody who shows it. */
function largestNewView(n: number): NewView {
  const names = Array.from({ length: n }, (_, i) => String(i).padStart(63, 'n'))
  const voters = names.slice(0, quorum(n))
  const [first = ''] = voters
  const signed = { epoch: Number.MAX_SAFE_INTEGER, signature: new Uint8Array(64) }
  const digest = 'ab'.repeat(32)
  const view = Number.MAX_SAFE_INTEGER
  const index = Number.MAX_SAFE_INTEGER
  const slot = { view, index, digest, ...signed }
  const window = Array.from({ length: DEFAULT_OPTIONS.windowIndices })
  const prepared = window.map(() => ({
    proposed: { type: 'Proposed' as const, sender: first, ...slot },
    prepares: voters.slice(1).map((sender) => ({ type: 'Prepare' as const, sender, ...slot })),
  }))
  const checkpoints = voters.map((sender) => ({
    type: 'Checkpoint' as const,
    ...{ sender, index, digest, ...signed },
  }))
  const viewChanges = voters.map(
    (sender): ViewChange => ({
      type: 'ViewChange',
      ...{ sender, view, stable: index, checkpoints, prepared, ...signed },
    }),
  )
  const proposals = prepared.map(({ proposed }) => proposed)
  return { type: 'NewView', sender: first, view, viewChanges, proposals, ...signed }
}

/** What is larger is dropped by whoever would send it, or stops the log: a cluster of so many could never change its view. */
it('17: the largest NEW-VIEW of the largest cluster is one that peers take and a record of the log holds', () => {
  const newView = largestNewView(NODES_MAX)
  expect(encodeMessage(newView).length).toBeLessThan(COMMUNICATOR_LIMITS.messageBytesMax)
  // Beside it whatever else one message may bring.
  const record = encodeRecords([{ type: 'NewViewAccepted', newView }]).length
  expect(record + COMMUNICATOR_LIMITS.messageBytesMax).toBeLessThan(RECORD_BYTES_MAX)
  // The test would see a cluster that is too large.
  expect(encodeMessage(largestNewView(31)).length).toBeGreaterThan(
    COMMUNICATOR_LIMITS.messageBytesMax,
  )
})
