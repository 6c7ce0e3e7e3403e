import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Hasher } from '../../../src/machine/hash.js'
import { decodeCommand } from '../../../src/machine/kv/commands.js'
import { KvMachine } from '../../../src/machine/kv/kv-machine.js'
import { validate } from '../../../src/machine/kv/validate.js'
import { type Step, steps } from './arbitrary.js'
import { outcome } from './helpers.js'
import { Model, ModelError } from './model.js'

function plain(x: unknown): unknown {
  return JSON.parse(
    JSON.stringify(x, (_, v) =>
      v instanceof Uint8Array ? Buffer.from(v).toString('latin1') : v,
    ) ?? 'null',
  )
}

function ask(model: Model, bytes: Uint8Array): unknown {
  const command = decodeCommand(bytes)
  try {
    switch (command.type) {
      case 'Put':
        model.checkPut(command.request, false)
        return model.put(command.request)
      case 'DeleteRange':
        return model.deleteRange(command.request)
      case 'Range':
        return model.range(command.request)
      case 'Txn':
        return model.txn(command.request)
      case 'Compact':
        return model.compact(command.request)
      case 'LeaseGrant':
        return model.grant(command.request)
      case 'LeaseRevoke':
        return model.revoke(command.request)
      case 'LeaseKeepAlives':
        return model.keepAlive(command.request.ids)
      case 'LeaseTimeToLive':
        return model.timeToLive(command.request)
      case 'LeaseLeases':
        return model.listLeases()
      case 'Alarm':
      case 'Refused':
        throw new Error('the generator made a command that does not decode')
    }
  } catch (error) {
    if (error instanceof ModelError) return error.message
    throw error
  } finally {
    model.commit()
  }
}

interface ItemHash {
  readonly revision: number
  readonly a: number
  readonly b: number
}

/** Of what can be read at the compacted revision or later, over the model's events and nothing of the store's. */
function hashesOf(model: Model): ItemHash[] {
  const hasher = new Hasher()
  const hashes: ItemHash[] = []
  let sub = 0
  model.events.forEach((event, i) => {
    sub = model.events[i - 1]?.rev === event.rev ? sub + 1 : 0
    const next = model.events.slice(i + 1).find((later) => later.key === event.key)
    const readable =
      event.kv === null
        ? event.rev > model.compacted
        : next === undefined || next.rev > model.compacted
    if (!readable) return
    const name = hasher.begin(0x51).latin1(event.key).finish()
    const { a, b } = name
    hasher
      .begin(0x51)
      .pair(a, b)
      .number(event.rev)
      .number(event.kv?.createRevision ?? 0)
    hasher.pair(sub, event.kv?.version ?? 0)
    if (event.kv !== null && event.kv.lease !== '0') hasher.latin1(event.kv.lease)
    if (event.kv !== null) hasher.bytes(event.kv.value)
    hasher.finish()
    hashes.push({ revision: event.rev, a: hasher.a, b: hasher.b })
  })
  return hashes
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => (sum + number) | 0, 0)
}

/** The hash of all the state as its rule says it. */
function hashFromScratch(model: Model, items: readonly ItemHash[]): string {
  const hasher = new Hasher()
  const sumA = sumOf(items.map(({ a }) => a))
  const sumB = sumOf(items.map(({ b }) => b))
  let leaseA = 0
  let leaseB = 0
  for (const [id, { ttl, deadline }] of model.leases) {
    const { a, b } = hasher.begin(0x53).latin1(id).number(ttl).number(deadline).finish()
    leaseA = (leaseA + a) | 0
    leaseB = (leaseB + b) | 0
  }
  const state = hasher.begin(0x52).pair(sumA, sumB).number(model.rev).number(model.compacted)
  return state.pair(leaseA, leaseB).number(model.leases.size).pair(0, 0).number(0).finish().hex()
}

const seen = { ok: 0, refused: 0, failed: 0, restored: 0, compacted: 0, attached: 0, expired: 0 }

function runSteps(list: readonly Step[]): void {
  let machine = new KvMachine()
  const model = new Model()
  for (const [i, step] of list.entries()) {
    if (step.type === 'collect') {
      machine.collect(step.events)
    } else if (step.type === 'time') {
      seen.expired += model.advance(step.ms)
      machine.advance({ index: i, time: model.time })
    } else if (step.type === 'restore') {
      const fresh = new KvMachine()
      fresh.restore([...machine.snapshot()].map((chunk) => chunk.slice()))
      machine = fresh
      seen.restored++
    } else {
      const before = machine.hash()
      const refusal = validate(step.bytes)
      const result = outcome(
        step.bytes[0] ?? 0,
        machine.apply(step.bytes, { index: i, time: model.time }),
      )
      if (refusal !== null) {
        seen.refused++
        expect(result).toBe(`${refusal.code} ${refusal.message}`)
        expect(machine.hash()).toBe(before)
        continue
      }
      const expected = ask(model, step.bytes)
      if (typeof expected === 'string') {
        seen.failed++
        expect(String(result).replace(/^\d+ /, '')).toBe(expected)
        expect(machine.hash()).toBe(before)
      } else {
        seen.ok++
        if (step.bytes[0] === 4) seen.compacted++
        if (model.events.at(-1)?.kv?.lease !== '0') seen.attached++
        expect(plain(result)).toEqual(plain(expected))
      }
    }
    expect(machine.revision).toBe(model.rev)
    const items = hashesOf(model)
    expect(machine.hash()).toBe(hashFromScratch(model, items))
    const asked = model.compacted + (i % (model.rev - model.compacted + 1))
    const until = items.filter(({ revision }) => revision <= asked)
    expect(machine.hashAt(asked)).toBe(sumOf(until.map(({ a }) => a)) >>> 0)
    expect(machine.nextDeadline()).toBe(
      model.leases.get(model.expiring()[0] ?? '')?.deadline ?? null,
    )
    const events = machine.eventsSince(Math.max(0, model.compacted), 1000)
    const wanted = model.events.filter((event) => event.rev >= model.compacted)
    expect(events?.map((e) => [e.mod, e.history.key, e.deleted])).toEqual(
      wanted.map((e) => [e.rev, e.key, e.kv === null]),
    )
  }
}

test('whatever is asked, the store answers as the array of all events does', () => {
  fc.assert(
    fc.property(steps, (list) => runSteps(list)),
    { numRuns: 800, seed: 1 },
  )
  // The run is void if a kind of outcome hardly occurred.
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(300)
})

test('whatever is asked, with other seeds each time', () => {
  fc.assert(
    fc.property(steps, (list) => runSteps(list)),
    { numRuns: 200 },
  )
})
