/** What the clients do to the key-value store: registers with compare-and-set, and lists that are appended to. */
import { nextInt, pick, type RandomState } from '../../../src/base/random.js'
import { type Client, ClientError, type ClientErrorKind } from '../../../src/client/index.js'
import { putRequest } from '../../../src/client/kv.js'

export interface Operation {
  readonly f: 'read' | 'write' | 'cas' | 'get' | 'append'
  readonly key: string
  readonly value: unknown
  /** `ok` with what was read, or `fail` where the store decided so. Throws ClientError. */
  run(client: Client): Promise<{ readonly type: 'ok' | 'fail'; readonly value: unknown }>
}

/** Registers hold small numbers, so that a compare often holds. */
const VALUES = [0, 1, 2, 3, 4]

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

export function read(key: string): Operation {
  return {
    f: 'read',
    key,
    value: null,
    async run(client) {
      const found = await client.get(key)
      return { type: 'ok', value: found === null ? null : Number(text(found.value)) }
    },
  }
}

function write(key: string, value: number): Operation {
  return {
    f: 'write',
    key,
    value,
    async run(client) {
      await client.put(key, String(value))
      return { type: 'ok', value }
    },
  }
}

function cas(key: string, from: number, to: number): Operation {
  const value = [from, to]
  return {
    f: 'cas',
    key,
    value,
    async run(client) {
      const put = putRequest(key, String(to))
      const answer = await client.txn({
        compare: [
          {
            result: 0,
            target: 3,
            key: put.key,
            targetUnion: { $case: 'value', value: Buffer.from(String(from)) },
            rangeEnd: new Uint8Array(0),
          },
        ],
        success: [{ request: { $case: 'requestPut', value: put } }],
        failure: [],
      })
      return { type: answer.succeeded ? 'ok' : 'fail', value }
    },
  }
}

/**
 * To the checker a list is a text to which is appended. In the store it is a prefix: an element is a key of its own, and its place is the revision that made it.
 */
function append(key: string, element: number): Operation {
  const value = `${element};`
  return {
    f: 'append',
    key,
    value,
    async run(client) {
      await client.put(`${key}/${element}`, value)
      return { type: 'ok', value }
    },
  }
}

export function readList(key: string): Operation {
  return {
    f: 'get',
    key,
    value: null,
    async run(client) {
      const { kvs } = await client.range(`${key}/`, { prefix: true })
      // A second put of one element would move nothing, and so hide: its version tells.
      const twice = kvs.find((kv) => kv.version !== 1)
      if (twice !== undefined) throw new Error(`${text(twice.key)} was put ${twice.version} times`)
      const inOrder = kvs.toSorted((a, b) => a.createRevision - b.createRevision)
      const value = inOrder.length === 0 ? null : inOrder.map((kv) => text(kv.value)).join('')
      return { type: 'ok', value }
    },
  }
}

/** Keys are given up after so many operations: a short history of each is quick to judge. */
const REGISTER_OPS = 120
const LIST_OPS = 60
const REGISTERS = 3
const LISTS = 2

/** Draws operations; all clients share it, so that they meet on the same keys. */
export class Draw {
  readonly #random: RandomState
  #drawn = 0
  #registers = 0
  #lists = 0
  #element = 0

  constructor(random: RandomState) {
    this.#random = random
  }

  next(): Operation {
    const random = this.#random
    if (this.#drawn++ % 3 === 0) {
      const key = `l${slot(this.#lists++, LISTS, LIST_OPS)}`
      return pick(random, [true, true, false]) ? append(key, ++this.#element) : readList(key)
    }
    const key = `r${slot(this.#registers++, REGISTERS, REGISTER_OPS)}`
    const kind = pick(random, ['read', 'read', 'write', 'cas', 'cas'] as const)
    if (kind === 'read') return read(key)
    if (kind === 'write') return write(key, pick(random, VALUES))
    return cas(key, pick(random, VALUES), pick(random, VALUES))
  }

  /** A look at some key that others work on now. */
  nextRead(): Operation {
    const random = this.#random
    const turn = nextInt(random, 0, REGISTERS + LISTS - 1)
    if (turn < LISTS) return readList(`l${slot(this.#lists + turn, LISTS, LIST_OPS)}`)
    return read(`r${slot(this.#registers + turn - LISTS, REGISTERS, REGISTER_OPS)}`)
  }
}

/** Round and round over some keys, which are replaced together once each had its share. */
function slot(turn: number, keys: number, opsEach: number): number {
  return (turn % keys) + keys * Math.floor(turn / (keys * opsEach))
}

/** Of an error that a client may see; any other is thrown on. */
export function kindOf(error: unknown): ClientErrorKind {
  if (!(error instanceof ClientError)) throw error
  return error.kind
}

/** Whether it leaves open that the operation took effect, or will. */
export function isUnknown(error: unknown): boolean {
  return kindOf(error) === 'Indeterminate'
}
