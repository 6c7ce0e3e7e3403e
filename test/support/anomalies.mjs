// Plants one anomaly into a correct history whose values are unique, so that no order can explain it.

/** By kind, the history to plant it into and how. */
export const ANOMALIES = {
  'stale read': { model: 'register', plant: staleRead },
  'lost update': { model: 'cas-register', plant: lostUpdate },
  'dirty read of a failed write': { model: 'register', plant: dirtyRead },
  'resurrected value': { model: 'register', plant: resurrected },
  'double append': { model: 'kv', plant: doubleAppend },
  'lost append': { model: 'lists', plant: lostAppend },
  'two owners': { model: 'lock', plant: twoOwners },
  'read of an old revision': { model: 'mvcc', plant: oldRevision },
}

/** Null when the history has no place for it. */
export function plant(kind, events, random) {
  const changed = events.map((event) => ({ ...event }))
  return ANOMALIES[kind].plant(changed, pairs(changed), random)
    ? changed.filter((event) => event.gone !== true)
    : null
}

function pairs(events) {
  const open = new Map()
  const out = []
  events.forEach((event, at) => {
    if (event.type === 'invoke') {
      const op = { invoke: event, end: null, from: at, to: Infinity, type: 'info' }
      open.set(event.process, op)
      out.push(op)
      return
    }
    const op = open.get(event.process)
    op.end = event
    op.type = event.type
    if (event.type !== 'info') op.to = at
  })
  return out
}

const is = (f) => (op) => op.type === 'ok' && op.invoke.f === f
const sameKey = (a, b) => a.invoke.key === b.invoke.key

/** Tries places until one gives something. */
function somewhere(list, random, attempt) {
  for (let i = 0; i < 2_000 && list.length > 0; i++) if (attempt(random.pick(list))) return true
  return false
}

function staleRead(_, ops, random) {
  const writes = ops.filter(is('write'))
  return somewhere(ops.filter(is('read')), random, (read) => {
    const second = random.pick(writes)
    const first = random.pick(writes)
    if (!sameKey(first, second) || !sameKey(read, first)) return false
    if (!(first.to < second.from && second.to < read.from)) return false
    read.end.value = first.invoke.value
    return true
  })
}

function lostUpdate(_, ops, random) {
  const writes = ops.filter(is('write'))
  return somewhere(ops.filter(is('cas')), random, (cas) => {
    const write = random.pick(writes)
    if (!sameKey(cas, write) || !(cas.to < write.from)) return false
    const value = [cas.invoke.value[0], write.invoke.value]
    Object.assign(write.invoke, { f: 'cas', value })
    Object.assign(write.end, { f: 'cas', value })
    return true
  })
}

function dirtyRead(_, ops, random) {
  const reads = ops.filter(is('read'))
  const failed = ops.filter((op) => op.type === 'fail' && op.invoke.f === 'write')
  return somewhere(failed, random, (write) => {
    const read = random.pick(reads)
    if (!sameKey(read, write)) return false
    read.end.value = write.invoke.value
    return true
  })
}

function resurrected(_, ops, random) {
  const reads = ops.filter(is('read'))
  const writes = ops.filter(is('write'))
  return somewhere(reads, random, (seen) => {
    const second = writes.find((op) => op.invoke.value === seen.end.value && sameKey(op, seen))
    const later = random.pick(reads)
    if (second === undefined || !sameKey(later, seen) || !(seen.to < later.from)) return false
    const first = writes.find((op) => sameKey(op, seen) && op.to < second.from)
    if (first === undefined) return false
    later.end.value = first.invoke.value
    return true
  })
}

function doubleAppend(_, ops, random) {
  return somewhere(ops.filter(is('get')), random, (read) => {
    const text = read.end.value
    if (text === null || text === '') return false
    read.end.value = `${text}${random.pick(text.split(',').slice(0, -1))},`
    return true
  })
}

function lostAppend(_, ops, random) {
  const reads = ops.filter(is('get'))
  return somewhere(ops.filter(is('append')), random, (append) => {
    const read = random.pick(reads)
    if (!sameKey(read, append) || !(append.to < read.from)) return false
    read.end.value = read.end.value.filter((item) => item !== append.invoke.value)
    return true
  })
}

function twoOwners(_, ops, random) {
  const acquires = ops.filter(is('acquire'))
  return somewhere(ops.filter(is('release')), random, (release) => {
    const next = acquires.some((op) => sameKey(op, release) && op.from > release.to)
    if (!next) return false
    release.invoke.gone = true
    release.end.gone = true
    return true
  })
}

function oldRevision(_, ops, random) {
  const puts = ops.filter(is('put'))
  return somewhere(ops.filter(is('get')), random, (read) => {
    const put = random.pick(puts)
    if (!(put.to < read.from)) return false
    read.end.more = { ...read.end.more, revision: put.end.more.revision - 1 }
    return true
  })
}
