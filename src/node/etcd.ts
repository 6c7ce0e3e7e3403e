/** etcd's API over this node: any member takes any request. */
import type { KvMachine } from '../machine/kv/kv-machine.js'
import { WatchHub, type WatchNumbers } from '../machine/watch/hub.js'
import type { Route } from '../rpc/types.js'
import type { EtcdDoor } from '../server/etcd/door.js'
import { Headers } from '../server/etcd/header.js'
import { etcdIds } from '../server/etcd/ids.js'
import { etcdRoutesOf } from '../server/etcd/routes.js'
import { SpaceGuard } from '../server/etcd/space-guard.js'
import { Outcomes, talliedDoor } from '../server/etcd/tallied-door.js'
import type { Times } from '../server/http/metrics/times.js'
import type { NodeConfig } from './config.js'
import { FrontDoor } from './front-door.js'
import { GarbageCollector } from './garbage.js'
import { keepHouse } from './housekeeping.js'
import { hostPort } from './listen.js'
import type { NodeReplica } from './node-replica.js'
import { Sealer } from './sealer.js'

/** Sessions that share what clients ask: each keeps a bounded number of answers. */
const DOORS = 4

/** Who is in the cluster, and their ids in etcd's API. */
export function etcdMembers({ initialCluster, clusterToken }: NodeConfig) {
  const members = initialCluster.map(({ name, address }) => ({ name, address: hostPort(address) }))
  return { members, ids: etcdIds(clusterToken, members) }
}

export interface EtcdApi {
  readonly routes: readonly Route[]
  readonly watch: () => WatchNumbers
  readonly outcomes: Readonly<Outcomes>
}

interface Node {
  readonly replica: NodeReplica
  readonly kv: KvMachine
  readonly times: Times
}

export function etcdApi(config: NodeConfig, { replica, kv, times }: Node): EtcdApi {
  const { members, ids } = etcdMembers(config)
  const who = { cluster: ids.cluster, member: ids.memberOf(config.name) }
  const headers = new Headers(who, () => replica.progress.term)
  const clock = { soon: setImmediate, now: () => performance.now() }
  const outcomes = new Outcomes()
  const door = talliedDoor(doorOf(replica), outcomes, clock.now)
  const hub = new WatchHub(kv, clock)
  const garbage = new GarbageCollector((eventsMax) => kv.collect(eventsMax), clock, times)
  kv.listen({
    changed: () => hub.changed(),
    restored: () => hub.restored(),
    compacted: () => garbage.start(),
  })
  const { limits } = config
  const { quotaBytes } = limits
  const space = new SpaceGuard({ store: kv, door, member: who.member, quotaBytes })
  keepHouse({ limits, replica, kv, door, space })
  const routes = etcdRoutesOf({
    door,
    headers,
    ids,
    store: kv,
    hub,
    space,
    members,
    progressMs: limits.watchProgressMs,
    times,
    electionTimeoutMs: config.timing.electionTimeoutMs,
    leaderKnown: () => replica.leaderKnown,
    clientEndpointOf: (name) => replica.clientEndpointOf(name),
    transferLeadership: (to) => replica.transferLeadership(to),
    status: () => {
      const { leader, term, lastIndex } = replica.progress
      const problem = replica.unavailable() ?? (leader === null ? 'etcdserver: no leader' : null)
      const problems = problem === null ? [] : [problem]
      return { leader, term, lastIndex, appliedIndex: replica.appliedIndex(), problems }
    },
  })
  return { routes, watch: () => hub.numbers, outcomes }
}

function doorOf(replica: NodeReplica): EtcdDoor {
  const way = { forward: true }
  const voice = replica.signing?.frontDoor ?? null
  const sealer = voice === null ? null : new Sealer(voice)
  const doors = Array.from({ length: DOORS }, () => new FrontDoor(replica, way, sealer))
  let turn = 0
  return {
    serving: () => replica.unavailable() === null,
    submit: (command, timeoutMs) => {
      turn = (turn + 1) % DOORS
      const door = doors[turn]
      if (door === undefined) throw new Error('no such door')
      return door.submit(command, timeoutMs)
    },
    read: (timeoutMs) => new Promise((resolve) => replica.read(timeoutMs, resolve, way)),
    query: (query) => replica.query(query),
    commandTimeoutMs: replica.commandTimeoutMs,
  }
}
