// The stream of requests: drawn from a seed, over few keys, so that they meet; a good part of them is odd or wrong.
import { chance, nextInt, pick, seededRandom } from '../../dist/base/random.js'

const KEYS = [
  'a',
  'b',
  'c',
  'd',
  'da',
  'db',
  'e',
  'f\0',
  'f',
  '\xff',
  '\xff\xff',
  '__proto__',
  'k1',
  'k2',
  'k3',
]
const ENDS = ['', '', '', '\0', 'b', 'd', 'e', 'z', '\xff', 'a']
const LEASES = [1, 2, 3, 4, 5, 6, 7, 8]
const TARGETS = ['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE']
const RESULTS = ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL']
const NEGATIVE_ONE = '-1'
/** As who wants no bound says it: 2^63-1. */
const MOST = '9223372036854775807'
/** More than etcd takes in one request. */
const TOO_LARGE = 1_600_000
const TTL_MAX = 9_000_000_000

const b64 = (text) => Buffer.from(text, 'latin1').toString('base64')

/** `seen`: the revision of the last answer, and of the last compaction; what is drawn next may refer to them. */
export class Requests {
  #random
  seen = { revision: 1, compacted: 0 }

  constructor(seed) {
    this.#random = seededRandom(seed)
  }

  /** One step: requests that belong together, one after the other. */
  next() {
    const draw = nextInt(this.#random, 1, 1_000)
    if (draw <= 250) return [post('/v3/kv/put', this.#put())]
    if (draw <= 490) return [post('/v3/kv/range', this.#range())]
    if (draw <= 570) return [post('/v3/kv/deleterange', this.#delete())]
    if (draw <= 790) return [post('/v3/kv/txn', survivable(this.#txn(3)))]
    if (draw <= 890) return this.#lease()
    if (draw <= 920) return [post('/v3/kv/compaction', this.#compact())]
    if (draw <= 955) return this.#watch()
    if (draw <= 997) return [this.#broken()]
    return [this.#large()]
  }

  #key() {
    return chance(this.#random, 0.03) ? '' : b64(pick(this.#random, KEYS))
  }

  #flag(p) {
    return chance(this.#random, p)
  }

  /** Now, the past, what was compacted, and what is yet to come. */
  #revision() {
    const { revision, compacted } = this.seen
    const draw = nextInt(this.#random, 1, 20)
    if (draw <= 12) return revision - nextInt(this.#random, 0, 30)
    if (draw <= 14) return compacted
    if (draw <= 15) return compacted - 1
    if (draw <= 17) return revision + nextInt(this.#random, 1, 3)
    if (draw <= 18) return NEGATIVE_ONE
    if (draw <= 19) return MOST
    return 0
  }

  #limit() {
    const limit = nextInt(this.#random, -1, 4)
    return limit === 4 ? MOST : limit
  }

  #value() {
    const length = this.#flag(0.1) ? 0 : nextInt(this.#random, 1, 12)
    return b64(pick(this.#random, ['v', 'w', '\0', '\xfe']).repeat(length))
  }

  #leaseId() {
    return this.#flag(0.1) ? 99_999 : pick(this.#random, LEASES)
  }

  #put() {
    const put = { key: this.#key() }
    if (this.#flag(0.9)) put.value = this.#value()
    if (this.#flag(0.15)) put.lease = this.#flag(0.5) ? this.#leaseId() : String(this.#leaseId())
    if (this.#flag(0.3)) put.prev_kv = true
    if (this.#flag(0.08)) put.ignore_value = true
    if (this.#flag(0.08)) put.ignore_lease = true
    if (put.ignore_value && this.#flag(0.7)) delete put.value
    if (put.ignore_lease && this.#flag(0.7)) delete put.lease
    return put
  }

  #range() {
    const range = { key: this.#key(), range_end: b64(pick(this.#random, ENDS)) }
    if (this.#flag(0.3)) range.limit = this.#limit()
    if (this.#flag(0.4)) range.revision = this.#revision()
    if (this.#flag(0.3)) range.sort_order = pick(this.#random, ['NONE', 'ASCEND', 'DESCEND', 1, 2])
    if (this.#flag(0.3))
      range.sort_target = pick(this.#random, ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE', 3])
    if (this.#flag(0.2)) range.serializable = true
    if (this.#flag(0.15)) range.keys_only = true
    if (this.#flag(0.15)) range.count_only = true
    for (const filter of ['min_mod', 'max_mod', 'min_create', 'max_create'])
      if (this.#flag(0.08)) range[`${filter}_revision`] = this.#revision()
    return range
  }

  #delete() {
    const request = { key: this.#key() }
    if (this.#flag(0.3)) request.range_end = b64(pick(this.#random, ENDS))
    if (this.#flag(0.4)) request.prev_kv = true
    return request
  }

  #compare() {
    const target = pick(this.#random, TARGETS)
    const compare = { target, result: pick(this.#random, RESULTS), key: this.#key() }
    if (this.#flag(0.25)) compare.range_end = b64(pick(this.#random, ENDS))
    if (this.#flag(0.05)) return compare
    switch (target) {
      case 'VERSION':
        compare.version = nextInt(this.#random, 0, 3)
        break
      case 'CREATE':
        compare.create_revision = this.#flag(0.5) ? 0 : this.#revision()
        break
      case 'MOD':
        compare.modRevision = this.#flag(0.3) ? 0 : this.#revision()
        break
      case 'VALUE':
        compare.value = this.#value()
        break
      case 'LEASE':
        compare.lease = this.#flag(0.5) ? 0 : this.#leaseId()
    }
    return compare
  }

  #txn(depth) {
    if (this.#flag(0.01))
      return { success: Array.from({ length: 129 }, () => ({ request_range: { key: b64('a') } })) }
    const list = (max, make) => Array.from({ length: nextInt(this.#random, 0, max) }, make)
    const txn = {}
    if (this.#flag(0.8)) txn.compare = list(2, () => this.#compare())
    if (this.#flag(0.95)) txn.success = list(3, () => this.#operation(depth - 1))
    if (this.#flag(0.5)) txn.failure = list(3, () => this.#operation(depth - 1))
    return txn
  }

  #operation(depth) {
    const draw = nextInt(this.#random, 1, 100)
    if (draw <= 40) return { request_put: this.#put() }
    if (draw <= 65) return { requestRange: this.#range() }
    if (draw <= 80) return { request_delete_range: this.#delete() }
    if (draw <= 98)
      return depth > 0 ? { request_txn: this.#txn(depth) } : { request_put: this.#put() }
    return {}
  }

  #lease() {
    const ID = this.#leaseId()
    const draw = nextInt(this.#random, 1, 100)
    // The shortest ones are ended before they could expire.
    if (draw <= 5)
      return [
        post('/v3/lease/grant', { ID: 77, TTL: pick(this.#random, [0, 1, -3]) }),
        post('/v3/lease/revoke', { ID: 77 }),
      ]
    if (draw <= 30)
      return [post('/v3/lease/grant', { ID, TTL: nextInt(this.#random, 5_000, 6_000) })]
    if (draw <= 35) return [post('/v3/lease/grant', { ID, TTL: String(TTL_MAX + 1) })]
    if (draw <= 55) return [post('/v3/lease/revoke', { ID })]
    if (draw <= 75) return [post('/v3/lease/timetolive', { ID, keys: this.#flag(0.7) })]
    if (draw <= 85) return [post('/v3/lease/leases', {})]
    return [post('/v3/lease/keepalive', { ID: String(ID) })]
  }

  #compact() {
    const draw = nextInt(this.#random, 1, 10)
    const { revision } = this.seen
    const compact = {}
    if (draw <= 6) compact.revision = revision - nextInt(this.#random, 0, 40)
    else compact.revision = this.#revision()
    if (this.#flag(0.3)) compact.physical = true
    return compact
  }

  /** A write that the watch then waits for, so that all before it was told when it comes. */
  #watch() {
    const key = b64(pick(this.#random, KEYS))
    const write = post('/v3/kv/put', { key, value: this.#value() })
    const filters = this.#flag(0.2) ? ['NODELETE'] : []
    return [
      write,
      ({ revision, compacted }) => {
        const back = nextInt(this.#random, 0, 20)
        const past = this.#flag(0.15) ? compacted - 1 : revision - back
        const start = Math.max(1, past)
        const request = { key, start_revision: start }
        if (this.#flag(0.5)) request.range_end = b64('\0')
        else if (this.#flag(0.1)) request.range_end = key
        if (this.#flag(0.4)) request.prev_kv = true
        if (filters.length > 0) request.filters = filters
        if (this.#flag(0.2)) request.fragment = true
        return { ...post('/v3/watch', { create_request: request }), until: revision }
      },
    ]
  }

  #broken() {
    const [path, body] = pick(this.#random, BROKEN)
    return { path, body }
  }

  #large() {
    const value = Buffer.alloc(TOO_LARGE, 'x').toString('base64')
    return post('/v3/kv/put', { key: b64('a'), value })
  }
}

/**
 * A put that keeps what its key has ends etcd 3.4 for good, where the same transaction has deleted the key before: it
 * has checked the put against the store as it was, and panics.
 */
function survivable(txn) {
  const text = JSON.stringify(txn)
  if (!text.includes('request_delete_range')) return txn
  const kept = (name, value) => (name.startsWith('ignore_') ? undefined : value)
  return JSON.parse(text, kept)
}

function post(path, body) {
  return { path, body: JSON.stringify(body) }
}

/** What is no request, and what looks like none. */
const BROKEN = [
  ['/v3/kv/range', '{"key"'],
  ['/v3/kv/range', '[]'],
  ['/v3/kv/range', '{"key":5}'],
  ['/v3/kv/range', '{"key":"%%%%"}'],
  ['/v3/kv/range', '{"key":"YQ==","limit":"x"}'],
  ['/v3/kv/range', '{"key":"YQ==","sort_order":"UP"}'],
  ['/v3/kv/range', '{"key":"YQ==","count_only":"true"}'],
  ['/v3/kv/put', '{"key":"YQ==","lease":1.5}'],
  ['/v3/kv/txn', '{"success":{"request_put":{}}}'],
  ['/v3/lease/grant', '{"ID":"99999999999999999999","TTL":5}'],
  ['/v3/kv/range', ''],
  ['/v3/kv/put', '{}'],
  ['/v3/kv/deleterange', '{"__proto__":{"key":"YQ=="}}'],
  ['/v3/kv/range', '{"key":"YQ==","field_of_tomorrow":[{"a":1}]}'],
  ['/v3/kv/put', '{"key":null,"value":"YQ=="}'],
  ['/v3/kv/txn', '{}'],
  ['/v3/kv/nothing', '{}'],
  ['/v3/lease/nothing', '{}'],
]
