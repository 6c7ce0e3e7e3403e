// Seeded histories for the checker: a correct object under concurrent clients, and the same with one anomaly planted.
// Plain JavaScript, so that bench/checker.mjs runs it on the build as it is.

/** @param {number} seed */
export function randomFrom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
  for (let i = 0; i < 8; i++) next()
  const int = (n) => Math.floor(next() * n)
  return { next, int, chance: (p) => next() < p, pick: (list) => list[int(list.length)] }
}

/**
 * A correct run in virtual time. Each client asks, the object acts at some instant before the answer; with
 * `infoRate` the client never hears, and the object acts much later or never; with `failRate` it does not act.
 */
export function generate(options) {
  const o = {
    seed: 1,
    model: 'cas-register',
    processes: 5,
    operations: 100,
    keys: 1,
    values: 5,
    infoRate: 0,
    failRate: 0,
    slowRate: 0.02,
    thinkTime: 5,
    ...options,
  }
  const r = randomFrom(o.seed)
  const things = newThings(o.model)
  const due = []
  const push = (at, run) => heapPush(due, { at, run })
  const events = []
  let left = o.operations
  let nextProcess = o.processes
  let unique = 0
  const holders = new Map()
  const client = (process, at) =>
    push(at, () => {
      if (left-- <= 0) return
      const asked = ask(o, r, process, () => ++unique, holders, things)
      const head = { process, f: asked.f, ...(asked.key === undefined ? {} : { key: asked.key }) }
      events.push({
        ...head,
        type: 'invoke',
        value: asked.value ?? null,
        time: at,
        ...(asked.more === undefined ? {} : { more: asked.more }),
      })
      const took = 1 + r.next() * (r.chance(o.slowRate) ? 200 : 20)
      const fate = r.next()
      if (fate < o.infoRate) {
        if (r.chance(0.5)) push(at + r.next() * 400, () => things.act(asked, process))
        push(at + took + 30, () => {
          if (r.chance(0.8))
            events.push({
              ...head,
              type: 'info',
              value: asked.value ?? null,
              error: 'timeout',
              time: at + took + 30,
            })
          if (o.model !== 'lock') client(nextProcess++, at + took + 31)
          else {
            left++
            client(nextProcess++, at + took + 31)
          }
        })
        return
      }
      const end = at + took
      if (fate < o.infoRate + o.failRate) {
        push(end, () => {
          events.push({
            ...head,
            type: 'fail',
            value: asked.value ?? null,
            error: 'refused',
            time: end,
          })
          client(process, end + r.next() * o.thinkTime)
        })
        return
      }
      let answer = null
      push(at + r.next() * took, () => {
        answer = things.act(asked, process)
      })
      push(end, () => {
        const { ok, value, ...more } = answer
        if (ok && asked.f === 'acquire') holders.set(process, asked.key)
        if (ok && asked.f === 'release') holders.delete(process)
        events.push({
          ...head,
          type: ok ? 'ok' : 'fail',
          value: value === undefined ? (asked.value ?? null) : value,
          ...(Object.keys(more).length === 0 ? {} : { more }),
          time: end,
        })
        client(process, end + r.next() * o.thinkTime)
      })
    })
  for (let process = 0; process < o.processes; process++) client(process, r.next() * o.thinkTime)
  while (due.length > 0) heapPop(due).run()
  return events.map((event) => ({ ...event, time: Math.round(event.time * 1000) }))
}

function ask(o, r, process, unique, holders, things) {
  const key = o.keys === 1 && o.model !== 'kv' ? undefined : `k${r.int(o.keys)}`
  const value = () => (o.values === 'unique' ? unique() : r.int(o.values))
  const p = r.next()
  switch (o.model) {
    case 'register':
      return p < 0.5 ? { f: 'read', key } : { f: 'write', key, value: value() }
    case 'cas-register':
      if (p < 0.35) return { f: 'read', key }
      if (p < 0.7) return { f: 'write', key, value: value() }
      return { f: 'cas', key, value: [r.chance(0.7) ? things.peek({ key }) : value(), value()] }
    case 'kv':
      // What is appended is unique, as in every test of appends: else nobody could tell whose a piece was.
      if (p < 0.45) return { f: 'get', key }
      if (p < 0.9) return { f: 'append', key, value: `${unique()},` }
      if (p < 0.97) return { f: 'put', key, value: `${unique()},` }
      return { f: 'delete', key }
    case 'lists':
      return p < 0.5 ? { f: 'get', key } : { f: 'append', key, value: unique() }
    case 'lock':
      return holders.has(process)
        ? { f: 'release', key: holders.get(process), value: process }
        : { f: 'acquire', key, value: process }
    case 'mvcc':
      return askVersioned(r, key ?? 'k0', value, things)
    default:
      throw new Error(`no model ${o.model}`)
  }
}

function askVersioned(r, key, value, things) {
  const p = r.next()
  if (p < 0.35) return { f: 'put', key, value: `v${value()}` }
  if (p < 0.45) return { f: 'delete', key }
  if (p < 0.75) return { f: 'get', key }
  if (p < 0.8) return { f: 'get', key, more: { at: 1 + r.int(things.revision()) } }
  if (p < 0.85) return { f: 'range', key: 'k', more: { end: 'l' } }
  const mod = r.chance(0.7) ? things.modOf(key) : r.int(things.revision() + 1)
  return {
    f: 'txn',
    value: {
      compare: [['mod', key, '=', mod]],
      success: [['put', key, `v${value()}`]],
      failure: [['get', key]],
    },
  }
}

function newThings(model) {
  if (model === 'mvcc') return versioned()
  const cells = new Map()
  const of = (key) => cells.get(key) ?? null
  return {
    peek: ({ key }) => of(key),
    act({ f, key, value }, process) {
      const now = of(key)
      switch (f) {
        case 'read':
        case 'get':
          return { ok: true, value: Array.isArray(now) ? [...now] : now }
        case 'write':
        case 'put':
          cells.set(key, value)
          return { ok: true }
        case 'delete':
          cells.delete(key)
          return { ok: true }
        case 'append':
          cells.set(key, model === 'lists' ? [...(now ?? []), value] : (now ?? '') + value)
          return { ok: true }
        case 'cas':
          if (now !== value[0]) return { ok: false }
          cells.set(key, value[1])
          return { ok: true }
        case 'acquire':
          if (now !== null) return { ok: false }
          cells.set(key, process)
          return { ok: true }
        case 'release':
          if (now !== process) return { ok: false }
          cells.set(key, null)
          return { ok: true }
        default:
          throw new Error(f)
      }
    },
  }
}

/** A multi-version store as etcd's: one revision for each request that changes something. */
function versioned() {
  const past = [null, new Map()]
  const now = () => past[past.length - 1]
  const revision = () => past.length - 1
  const pair = (kv) => (kv === undefined ? null : { ...kv })
  const apply = (ops) => {
    const next = new Map(now())
    const revisionAfter = revision() + 1
    let changed = false
    const results = ops.map(([type, key, value]) => {
      const old = next.get(key)
      if (type === 'get') return pair(old)
      if (type === 'delete') {
        if (old === undefined) return 0
        next.delete(key)
        changed = true
        return 1
      }
      changed = true
      next.set(key, {
        value,
        mod: revisionAfter,
        create: old?.create ?? revisionAfter,
        version: (old?.version ?? 0) + 1,
      })
      return null
    })
    if (changed) past.push(next)
    return results
  }
  return {
    peek: () => null,
    revision,
    modOf: (key) => now().get(key)?.mod ?? 0,
    act({ f, key, value, more }) {
      switch (f) {
        case 'put':
          apply([['put', key, value]])
          return { ok: true, revision: revision() }
        case 'delete': {
          const [deleted] = apply([['delete', key]])
          return { ok: true, deleted, revision: revision() }
        }
        case 'get': {
          const kv = past[more?.at ?? revision()].get(key)
          return {
            ok: true,
            value: kv?.value ?? null,
            ...(kv === undefined ? {} : { mod: kv.mod, version: kv.version }),
            revision: revision(),
          }
        }
        case 'range': {
          const found = [...now()]
            .filter(([k]) => k >= key && k < more.end)
            .sort(([a], [b]) => (a < b ? -1 : 1))
          return {
            ok: true,
            value: found.map(([k, kv]) => [k, kv.value, kv.mod]),
            revision: revision(),
          }
        }
        case 'txn': {
          const succeeded = value.compare.every(([, k, , mod]) => (now().get(k)?.mod ?? 0) === mod)
          const results = apply(succeeded ? value.success : value.failure)
          return {
            ok: true,
            value: {
              succeeded,
              results: results.map((one) =>
                one === null || typeof one === 'number' ? one : { value: one.value, mod: one.mod },
              ),
            },
            revision: revision(),
          }
        }
        default:
          throw new Error(f)
      }
    },
  }
}

function heapPush(heap, item) {
  heap.push(item)
  for (let i = heap.length - 1; i > 0; ) {
    const up = (i - 1) >> 1
    if (heap[up].at <= heap[i].at) break
    ;[heap[up], heap[i]] = [heap[i], heap[up]]
    i = up
  }
}

function heapPop(heap) {
  const top = heap[0]
  const last = heap.pop()
  if (heap.length === 0) return top
  heap[0] = last
  for (let i = 0; ; ) {
    let least = i
    for (const child of [2 * i + 1, 2 * i + 2])
      if (child < heap.length && heap[child].at < heap[least].at) least = child
    if (least === i) return top
    ;[heap[least], heap[i]] = [heap[i], heap[least]]
    i = least
  }
}

/** As JSON lines, the way a client would write them. */
export function toLines(events) {
  return events.map(({ more, ...event }) => `${JSON.stringify({ ...event, ...more })}\n`).join('')
}
