/** docs/etcd-compatibility.md says of every method what the server does. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { KvMachine } from '../../../../src/machine/kv/kv-machine.js'
import { Code, RpcError } from '../../../../src/rpc/status.js'
import type { CallContext, Route } from '../../../../src/rpc/types.js'
import { clusterRoutes } from '../../../../src/server/etcd/cluster-service.js'
import type { EtcdDoor } from '../../../../src/server/etcd/door.js'
import { Headers } from '../../../../src/server/etcd/header.js'
import { etcdIds } from '../../../../src/server/etcd/ids.js'
import { kvRoutes } from '../../../../src/server/etcd/kv-service.js'
import { leaseRoutes } from '../../../../src/server/etcd/lease/lease-service.js'
import { maintenanceRoutes } from '../../../../src/server/etcd/maintenance-service.js'
import { WatchHub } from '../../../../src/server/etcd/watch/hub.js'
import { watchRoutes } from '../../../../src/server/etcd/watch/watch-service.js'

const PAGE = resolve(import.meta.dirname, '../../../../docs/etcd-compatibility.md')

const CONTEXT = { remainingMs: () => 1_000 } as CallContext

function routes(): Route[] {
  const kv = new KvMachine()
  const door: EtcdDoor = {
    serving: () => true,
    submit: async (command) => ({
      type: 'Result',
      result: kv.apply(command, { index: 1, time: 0 }),
    }),
    read: async () => ({ type: 'Ready' }),
    query: (query) => kv.query(query),
    commandTimeoutMs: 1_000,
  }
  const hub = new WatchHub(kv, { soon: setImmediate, now: () => 0 })
  const members = [{ name: 'n1', address: '127.0.0.1:1' }]
  const ids = etcdIds('token', members)
  const headers = new Headers({ cluster: ids.cluster, member: ids.memberOf('n1') }, () => 1)
  const clientEndpointOf = () => '127.0.0.1:2'
  return [
    ...kvRoutes({ door, headers }),
    ...leaseRoutes({ door: { ...door, serving: () => false }, headers }),
    ...watchRoutes({ hub, source: kv, headers, serving: () => false, progressMs: 1_000 }),
    ...clusterRoutes({ door, headers, ids, members, clientEndpointOf }),
    ...maintenanceRoutes({
      headers,
      ids,
      store: () => kv,
      transferLeadership: () => null,
      status: () => ({ leader: 'n1', term: 1, lastIndex: 1, appliedIndex: 1, problems: [] }),
    }),
  ]
}

/** How the server answers an empty request. */
async function answers(route: Route): Promise<'works' | 'not yet'> {
  if (route.kind === 'stream') {
    let failed: RpcError | null = null
    const stream = { fail: (error: RpcError) => (failed = error) }
    route.handler(stream as never, CONTEXT)
    return (failed as RpcError | null)?.code === Code.UNIMPLEMENTED ? 'not yet' : 'works'
  }
  try {
    await route.handler(route.method.request.decode(new Uint8Array(0)), CONTEXT)
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
    if (error.code === Code.UNIMPLEMENTED) return 'not yet'
  }
  return 'works'
}

it('the page has a row for every method, and says what the server does', async () => {
  const said = new Map<string, string>()
  for (const line of readFileSync(PAGE, 'utf8').split('\n')) {
    const [, method, what] = /^\| ([A-Za-z]+\.[A-Za-z]+) \| (works|not yet) \|/.exec(line) ?? []
    if (method !== undefined && what !== undefined) said.set(method, what)
  }
  const done = new Map<string, string>()
  for (const route of routes()) {
    const method = route.method.path.replace('/etcdserverpb.', '').replace('/', '.')
    done.set(method, await answers(route))
  }
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(done))
})
