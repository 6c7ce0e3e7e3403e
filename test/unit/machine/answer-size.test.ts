import { expect, test } from 'vitest'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { command, del, op, put, range, speak, txn } from './helpers.js'

const TOO_LARGE = '8 quorate: the answer would be larger than 256 MiB: ask for less at once'
const VALUE_BYTES = 1_450_000

/** 29 MB in 20 keys. */
function filled() {
  const talk = speak(new KvMachine())
  const value = 'x'.repeat(VALUE_BYTES)
  for (let i = 0; i < 20; i++) talk.put({ key: `k${i}`, value })
  return talk
}

const all = op.range({ key: 'k', rangeEnd: 'l' })
const reads = (count: number) => Array.from({ length: count }, () => all)

test('a transaction whose answer nobody could hold is refused before it writes', () => {
  const { apply, machine } = filled()
  const { revision } = machine
  const write = op.put({ key: 'new' })
  const nested = op.txn({ success: reads(5) })
  for (const success of [
    [write, ...reads(10)],
    [write, ...reads(120)],
    [write, nested, nested],
    // Its own puts count where a later range finds them.
    [...reads(9), op.put({ key: 'kx', value: 'x'.repeat(VALUE_BYTES) })],
    [op.del({ key: 'new' }), ...reads(10)],
    // Of what only reads, it is all the same.
    reads(10),
  ])
    expect(apply(command.txn(txn({ success })))).toBe(TOO_LARGE)
  expect(machine.revision).toBe(revision)
  expect(apply(command.txn(txn({ success: [write, ...reads(2)] })))).toMatchObject({
    succeeded: true,
  })
  expect(machine.revision).toBe(revision + 1)
  // What is not read costs nothing.
  const count = op.range({ key: 'k', rangeEnd: 'l', countOnly: true })
  const counts = Array.from({ length: 100 }, () => count)
  expect(apply(command.txn(txn({ success: [write, ...counts] })))).toMatchObject({
    succeeded: true,
  })
})

test('what is deleted is told up to the same bound, and a range too', () => {
  const { apply, machine, put: write } = filled()
  const value = 'x'.repeat(VALUE_BYTES)
  for (let i = 20; i < 200; i++) write({ key: `k${i}`, value })
  const { revision } = machine
  expect(apply(command.range(range({ key: 'k', rangeEnd: 'l' })))).toBe(TOO_LARGE)
  const everything = { key: 'k', rangeEnd: 'l' }
  expect(apply(command.del(del({ ...everything, prevKv: true })))).toBe(TOO_LARGE)
  expect(machine.revision).toBe(revision)
  expect(apply(command.del(del(everything)))).toMatchObject({ deleted: 200 })
  expect(apply(command.put(put({ key: 'k', value: '1' })))).toMatchObject({
    header: { revision: revision + 2 },
  })
})
