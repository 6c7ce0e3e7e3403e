// Whom of several members to ask: each in turn, but for what a member may answer by itself, out of date. That is asked
// where it is certain that the member has all that was written.

/** They end once the member that was asked has executed what came before, where they end well. */
const SYNCED = new Set([
  '/v3/kv/put',
  '/v3/kv/deleterange',
  '/v3/kv/txn',
  '/v3/kv/range',
  '/v3/kv/compaction',
  '/v3/lease/grant',
  '/v3/lease/revoke',
])
/** Told by the member alone, in etcd at least. */
const LOCAL = new Set(['/v3/watch', '/v3/lease/leases'])

export class Turns {
  #turn = 0
  #synced = 0

  next(request) {
    this.#turn++
    return mayBeOld(request) ? this.#synced : this.#turn
  }

  answered(request, { status }) {
    if (status === 200 && SYNCED.has(request.path) && !mayBeOld(request)) this.#synced = this.#turn
  }
}

/** Also a transaction without operations, as etcd does it. */
function mayBeOld({ path, body }) {
  if (LOCAL.has(path) || body.includes('serializable')) return true
  return path === '/v3/kv/txn' && !/request_?(put|range|delete_?range|txn)/i.test(body)
}
