/**
 * The simulator's state machine: registers that tell what they replaced, and lists that tell where an item landed.
 * Every value is unique, so a history shows lost, repeated and reordered commands at first sight.
 */
import { assert } from '../base/assert.js'
import { Reader, Writer } from '../base/varint.js'
import type { StateMachine } from '../machine/state-machine.js'

export type LedgerCommand =
  /** Answers the value before. */
  | { readonly type: 'Write'; readonly key: number; readonly value: number }
  /** Writes if the register holds `expected`; answers the value before. */
  | {
      readonly type: 'Cas'
      readonly key: number
      readonly expected: number
      readonly value: number
    }
  /** Answers the length with the item. */
  | { readonly type: 'Append'; readonly key: number; readonly value: number }

export type LedgerQuery =
  | { readonly type: 'Get'; readonly key: number }
  | { readonly type: 'List'; readonly key: number }

const COMMAND_TAGS = { Write: 1, Cas: 2, Append: 3 } as const
const QUERY_TAGS = { Get: 1, List: 2 } as const

export function encodeCommand(c: LedgerCommand, paddingBytes = 0): Uint8Array {
  const w = new Writer(24 + paddingBytes).byte(COMMAND_TAGS[c.type]).varint(c.key).varint(c.value)
  if (c.type === 'Cas') w.varint(c.expected)
  return w.raw(new Uint8Array(paddingBytes)).finish()
}

export function encodeQuery(q: LedgerQuery): Uint8Array {
  return new Writer(8).byte(QUERY_TAGS[q.type]).varint(q.key).finish()
}

/** Of Write, Cas, Append and Get: one number. */
export function decodeNumber(answer: Uint8Array): number {
  return new Reader(answer).varint()
}

/** Of List. */
export function decodeList(answer: Uint8Array): number[] {
  const r = new Reader(answer)
  const out: number[] = []
  const length = r.varint()
  for (let i = 0; i < length; i++) out.push(r.varint())
  return out
}

export class Ledger implements StateMachine {
  #registers = new Map<number, number>()
  #lists = new Map<number, number[]>()
  /** A sum over what is stored, so that it can follow each change. */
  #sum = 0

  apply(command: Uint8Array): Uint8Array {
    const r = new Reader(command)
    const tag = r.byte()
    const key = r.varint()
    const value = r.varint()
    switch (tag) {
      case COMMAND_TAGS.Write: {
        const before = this.#registers.get(key) ?? 0
        this.#write(key, before, value)
        return number(before)
      }
      case COMMAND_TAGS.Cas: {
        const expected = r.varint()
        const before = this.#registers.get(key) ?? 0
        if (before === expected) this.#write(key, before, value)
        return number(before)
      }
      case COMMAND_TAGS.Append: {
        const list = this.#lists.get(key) ?? []
        if (list.length === 0) this.#lists.set(key, list)
        list.push(value)
        this.#add(mixed(key + 1_000, list.length, value))
        return number(list.length)
      }
      default:
        assert(false, 'a command that no client sent')
    }
  }

  query(query: Uint8Array): Uint8Array {
    const r = new Reader(query)
    const tag = r.byte()
    const key = r.varint()
    if (tag === QUERY_TAGS.Get) return number(this.#registers.get(key) ?? 0)
    assert(tag === QUERY_TAGS.List, 'a query that no client sent')
    return encodeNumbers(this.#lists.get(key) ?? [])
  }

  snapshot(): Iterable<Uint8Array> {
    const registers: number[] = []
    for (const [key, value] of sorted(this.#registers)) registers.push(key, value)
    const chunks = [encodeNumbers(registers)]
    for (const [key, list] of sorted(this.#lists)) chunks.push(encodeNumbers([key, ...list]))
    return chunks
  }

  restore(chunks: Iterable<Uint8Array>): void {
    this.#registers = new Map()
    this.#lists = new Map()
    this.#sum = 0
    let first = true
    for (const chunk of chunks) {
      const numbers = decodeList(chunk)
      if (first) {
        first = false
        for (let i = 0; i + 1 < numbers.length; i += 2)
          this.#write(numbers[i] ?? 0, 0, numbers[i + 1] ?? 0)
        continue
      }
      const [key = 0, ...list] = numbers
      this.#lists.set(key, list)
      for (let i = 0; i < list.length; i++) this.#add(mixed(key + 1_000, i + 1, list[i] ?? 0))
    }
  }

  hash(): string {
    return this.#sum.toString(16).padStart(8, '0')
  }

  #write(key: number, before: number, value: number): void {
    if (before !== 0) this.#add(-mixed(key, 0, before))
    this.#registers.set(key, value)
    this.#add(mixed(key, 0, value))
  }

  #add(part: number): void {
    this.#sum = (this.#sum + part) >>> 0
  }
}

function sorted<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map].sort((a, b) => a[0] - b[0])
}

function mixed(a: number, b: number, c: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 13) ^ b) | 0, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 16) ^ c) | 0, 0x27d4eb2f)
  return (h ^ (h >>> 15)) >>> 0
}

function number(value: number): Uint8Array {
  return new Writer(8).varint(value).finish()
}

function encodeNumbers(numbers: readonly number[]): Uint8Array {
  const w = new Writer(8 + 3 * numbers.length).varint(numbers.length)
  for (const one of numbers) w.varint(one)
  return w.finish()
}
