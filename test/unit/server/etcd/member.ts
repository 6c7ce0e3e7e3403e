/** All of etcd's services over one store whose time the test tells, on a real port. */
import { KvMachine } from '../../../../src/machine/kv/kv-machine.js'
import { WatchHub } from '../../../../src/machine/watch/hub.js'
import { connect } from '../../../../src/rpc/channel.js'
import { CLIENT_PORT_LIMITS } from '../../../../src/rpc/limits.js'
import { createServer } from '../../../../src/rpc/server.js'
import { RpcError } from '../../../../src/rpc/status.js'
import type { Channel, Route } from '../../../../src/rpc/types.js'
import type { EtcdDoor } from '../../../../src/server/etcd/door.js'
import { Headers } from '../../../../src/server/etcd/header.js'
import { etcdIds } from '../../../../src/server/etcd/ids.js'
import { etcdRoutesOf } from '../../../../src/server/etcd/routes.js'
import { SpaceGuard } from '../../../../src/server/etcd/space-guard.js'
import { Outcomes, talliedDoor } from '../../../../src/server/etcd/tallied-door.js'
import type { Times } from '../../../../src/server/http/metrics/times.js'

type Refusal =
  | { readonly type: 'NotLeader'; readonly leader: null }
  | { readonly type: 'Overloaded' | 'Indeterminate'; readonly reason: string }

export class Member {
  readonly kv = new KvMachine()
  readonly hub: WatchHub
  readonly space: SpaceGuard
  readonly routes: Route[]
  readonly ids = etcdIds('token', [{ name: 'n1', address: '127.0.0.1:1' }])
  readonly outcomes = new Outcomes()
  leader = true
  /** False: its door finds nobody who would order anything. */
  orders = true
  /** What its door says instead, whatever it is asked. */
  refuses: Refusal | null = null
  /** Of the clock by which reads are timed, and how long each takes (ms). */
  now = 0
  readMs = 0
  #index = 0
  #time = 0

  constructor(quotaBytes: number | null = null, watchesMax?: number, times?: Times) {
    this.hub = new WatchHub(this.kv, { soon: setImmediate, now: () => performance.now() })
    this.kv.listen(this.hub)
    const { kv, hub, ids } = this
    const inner: EtcdDoor = {
      serving: () => true,
      submit: async (command) =>
        this.refuses ??
        (this.orders
          ? { type: 'Result', result: this.apply(command) }
          : { type: 'NotLeader', leader: null }),
      read: async () => {
        this.now += this.readMs
        if (this.refuses !== null) return this.refuses
        return this.orders ? { type: 'Ready' } : { type: 'NotLeader', leader: null }
      },
      query: (query) => kv.query(query),
      commandTimeoutMs: 1_000,
    }
    const door = talliedDoor(inner, this.outcomes, () => this.now)
    const who = { cluster: ids.cluster, member: ids.memberOf('n1') }
    this.space = new SpaceGuard({ store: kv, door, member: who.member, quotaBytes })
    const headers = new Headers(who, () => 1)
    this.routes = etcdRoutesOf({
      door,
      headers,
      ids,
      store: kv,
      hub,
      space: this.space,
      members: [{ name: 'n1', address: '127.0.0.1:1' }],
      progressMs: 1_000,
      ...(watchesMax === undefined ? {} : { watchesMax }),
      ...(times === undefined ? {} : { times }),
      electionTimeoutMs: 10,
      leaderKnown: () => this.leader,
      clientEndpointOf: () => '127.0.0.1:2',
      transferLeadership: () => null,
      status: () => ({ leader: 'n1', term: 1, lastIndex: 1, appliedIndex: 1, problems: [] }),
    })
  }

  apply(command: Uint8Array): Uint8Array {
    return this.kv.apply(command, { index: ++this.#index, time: this.#time })
  }

  at(ms: number): void {
    this.#time = ms
    this.kv.advance({ index: ++this.#index, time: ms })
  }

  async serve(): Promise<{ channel: Channel; close: () => Promise<void> }> {
    const errors: unknown[] = []
    const server = createServer({
      routes: this.routes,
      limits: CLIENT_PORT_LIMITS,
      onError: (error) => errors.push(error),
    })
    const { port } = await server.listen('127.0.0.1', 0)
    const channel = connect(`127.0.0.1:${port}`)
    return {
      channel,
      close: async () => {
        channel.close()
        await server.close(0)
        if (errors.length > 0) throw new Error('calls failed', { cause: errors })
      },
    }
  }
}

/** What a call is refused with: code and text. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return error instanceof RpcError ? `${error.code} ${error.message}` : String(error)
}
