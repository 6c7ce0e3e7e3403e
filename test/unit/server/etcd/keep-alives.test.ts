import { expect, test } from 'vitest'
import { KvMachine } from '../../../../src/machine/kv/kv-machine.js'
import { Code, RpcError } from '../../../../src/rpc/status.js'
import type { CommandOutcome, EtcdDoor } from '../../../../src/server/etcd/door.js'
import { KeepAlives, type KeptAlive } from '../../../../src/server/etcd/lease/keep-alives.js'
import { command } from '../../machine/helpers.js'

/** A store behind a door that opens when it is told. */
function setup() {
  const machine = new KvMachine()
  let index = 0
  const waiting: (() => void)[] = []
  let next: (bytes: Uint8Array) => CommandOutcome = (bytes) => ({
    type: 'Result',
    result: machine.apply(bytes, { index: ++index, time: 0 }),
  })
  const asked: Uint8Array[] = []
  const door: EtcdDoor = {
    serving: () => true,
    submit: (bytes) =>
      new Promise((resolve) => {
        asked.push(bytes)
        waiting.push(() => resolve(next(bytes)))
      }),
    read: async () => ({ type: 'Ready' }),
    query: (query) => machine.query(query),
    commandTimeoutMs: 1_000,
  }
  const keepAlives = new KeepAlives(door, setImmediate)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    machine,
    keepAlives,
    asked,
    turn,
    open: async () => {
      for (const one of waiting.splice(0)) one()
      // Answers are told in the first, and what waited for them goes in the next.
      await turn()
      await turn()
    },
    answer: (outcome: CommandOutcome) => {
      next = () => outcome
    },
  }
}

test('what comes within a turn is one command, and each is told of its own lease', async () => {
  const { machine, keepAlives, asked, turn, open } = setup()
  machine.apply(command.grant('7', 9), { index: 0, time: 0 })
  machine.apply(command.grant('8', 5), { index: 0, time: 0 })
  const told: KeptAlive[] = []
  for (const id of ['8', '1', '7', '8']) keepAlives.ask(id, (outcome) => told.push(outcome))
  await turn()
  expect(asked).toHaveLength(1)
  await open()
  expect(told).toEqual([5, 0, 9, 5].map((ttl) => ({ ttl, revision: 1 })))
})

test('while commands are under way what comes waits, and then goes as few', async () => {
  const { keepAlives, asked, turn, open } = setup()
  let told = 0
  for (let i = 0; i < 20; i++) {
    keepAlives.ask(String(i + 1), () => told++)
    await turn()
  }
  expect(asked).toHaveLength(4)
  await open()
  expect(asked).toHaveLength(5)
  await open()
  expect(told).toBe(20)
  for (let i = 0; i < 10_000; i++) keepAlives.ask('1', () => told++)
  while (told < 10_020) {
    await turn()
    await open()
  }
  expect(asked).toHaveLength(8)
})

test('where nothing can be ordered, all who wait are told why', async () => {
  const { keepAlives, answer, turn, open } = setup()
  answer({ type: 'NotLeader', leader: null })
  const told: KeptAlive[] = []
  for (const id of ['1', '2']) keepAlives.ask(id, (outcome) => told.push(outcome))
  await turn()
  await open()
  expect(told).toHaveLength(2)
  for (const error of told) {
    expect(error).toBeInstanceOf(RpcError)
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, message: 'etcdserver: no leader' })
  }
})
