/** docs/etcd-compatibility.md says of every method what the server does. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { Code, RpcError } from '../../../../src/rpc/status.js'
import type { CallContext, Route } from '../../../../src/rpc/types.js'
import { Member } from './member.js'

const PAGE = resolve(import.meta.dirname, '../../../../docs/etcd-compatibility.md')

const CONTEXT: CallContext = {
  peer: 'test',
  remainingMs: () => 1_000,
  cancelled: false,
  onCancelled: () => {},
  metadata: () => undefined,
  setTrailer: () => {},
}

const member = new Member()
const ID = member.ids.memberOf('n1')
/** Where what is empty is refused for that, or waits for the lock without a name. */
const SAMPLES: Readonly<Record<string, object>> = {
  'Cluster.MemberAdd': { peerURLs: ['http://127.0.0.1:3'] },
  'Cluster.MemberRemove': { ID },
  'Cluster.MemberUpdate': { ID, peerURLs: ['http://127.0.0.1:3'] },
  'Cluster.MemberPromote': { ID },
  'Auth.UserAdd': { name: 'u', password: 'p' },
  'Auth.RoleAdd': { name: 'r' },
  'Election.Campaign': { name: Uint8Array.of(1), lease: '0', value: new Uint8Array(0) },
}

/** How the server answers. */
async function answers(method: string, route: Route): Promise<'works' | 'not yet'> {
  if (route.kind === 'stream') {
    let failed: RpcError | null = null
    const nothing = () => {}
    const stream = { onMessage: nothing, onEnd: nothing, onClose: nothing, onDrain: nothing }
    route.handler({ ...stream, fail: (error: RpcError) => (failed = error) } as never, CONTEXT)
    return (failed as RpcError | null)?.code === Code.UNIMPLEMENTED ? 'not yet' : 'works'
  }
  try {
    const { request } = route.method
    await route.handler(SAMPLES[method] ?? request.decode(new Uint8Array(0)), CONTEXT)
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
  for (const route of member.routes) {
    const method = route.method.path
      .replace(/^\/(etcdserverpb|v3lockpb|v3electionpb)\./, '')
      .replace('/', '.')
    done.set(method, await answers(method, route))
  }
  expect(done.size).toBe(49)
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(done))
})
