import { expect, it } from 'vitest'
import type { SubmitOutcome } from '../../../src/driver/outcomes.js'
import { Pending } from '../../../src/driver/pending.js'

it('who asks the same without end is answered a bounded number of times', () => {
  const pending = new Pending({ queuedRequests: 10, queuedBytes: 1_000, pendingRequests: 10 })
  const request = { session: 1, seq: 1, ackedThrough: 0, command: Uint8Array.of(1) }
  const told: SubmitOutcome[] = []
  for (let i = 0; i < 300; i++)
    pending.submit(request, null, { deadline: 1_000, done: (outcome) => told.push(outcome) })
  expect([pending.size, told.length]).toEqual([1, 300 - 257])
  // It may still be executed.
  for (const { type } of told) expect(type).toBe('Indeterminate')
})
