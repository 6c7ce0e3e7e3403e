/** Opens a node's two ports: peers on one, clients on the other. */
import type { Communicator } from '../communicator/communicator.js'
import { alarmName } from '../machine/kv/alarms.js'
import type { KvMachine } from '../machine/kv/kv-machine.js'
import { CallTally } from '../rpc/call-tally.js'
import { CLIENT_PORT_LIMITS, PEER_PORT_LIMITS } from '../rpc/limits.js'
import { createServer } from '../rpc/server.js'
import type { Route, Server } from '../rpc/types.js'
import { shutEtcdRoutes } from '../server/etcd/shut.js'
import { faultRoutes } from '../server/fault-service.js'
import { healthRoutes } from '../server/health-service.js'
import type { Metrics } from '../server/http/metrics/metrics.js'
import { quorateRoutes } from '../server/quorate-service.js'
import { VERSION } from '../version.js'
import type { Byzantine } from './byzantine.js'
import type { Address, NodeConfig } from './config.js'
import { portTaken } from './errors.js'
import { type EtcdApi, etcdApi, etcdMembers } from './etcd.js'
import { httpListener } from './http.js'
import type { Log } from './log.js'
import type { NodeReplica } from './node-replica.js'

export interface Listening {
  readonly servers: readonly Server[]
  readonly peerEndpoint: string
  /** As clients are told; null: no client port. */
  readonly clientEndpoint: string | null
}

interface ListenParts {
  readonly communicator: Communicator
  readonly replica: NodeReplica
  readonly byzantine: Byzantine
  /** Null: an embedder's machine, of which etcd's API knows nothing. */
  readonly kv: KvMachine | null
  readonly metrics: Metrics
  readonly log: Log
}

/** Throws NodeError. */
export async function listen(config: NodeConfig, parts: ListenParts): Promise<Listening> {
  const { communicator, replica, kv, log } = parts
  const onError = (error: unknown, path: string) => log.error({ err: error, path }, 'a call failed')
  const peer = createServer({ routes: communicator.routes(), limits: PEER_PORT_LIMITS, onError })
  const peerEndpoint = await bind(peer, config.listenPeer, 'the peer port')
  if (config.listenClient === null) return { servers: [peer], peerEndpoint, clientEndpoint: null }
  const { times } = parts.metrics
  const etcd = kv === null || isShut(replica) ? null : etcdApi(config, { replica, kv, times })
  const routes = clientRoutes(config, parts, etcd)
  const tally = new CallTally(routes)
  readMetrics(config, parts, { tally, etcd })
  const client = createServer({
    routes,
    tally,
    limits: CLIENT_PORT_LIMITS,
    http1: httpListener(config, {
      routes,
      onError,
      notReady: () => replica.notReady(),
      notServing: () => replica.unavailable(),
      alarms: () => (kv?.alarms ?? []).map(({ alarm }) => alarmName(alarm)),
      alive: () => replica.healthy,
      probed: (healthy) => times.probed(healthy),
      metrics: () => parts.metrics.text(),
      tally,
    }),
    onError,
  })
  try {
    const bound = await bind(client, config.listenClient, 'the client port')
    const clientEndpoint = config.advertiseClient ?? bound
    replica.listensAt(clientEndpoint)
    return { servers: [peer, client], peerEndpoint, clientEndpoint }
  } catch (error) {
    await peer.close(0)
    throw error
  }
}

function clientRoutes(config: NodeConfig, parts: ListenParts, etcd: EtcdApi | null): Route[] {
  const { communicator, replica, log, kv, byzantine } = parts
  const routes = [
    ...quorateRoutes(replica),
    ...(kv === null ? [] : (etcd?.routes ?? shutEtcdRoutes())),
    ...healthRoutes({
      processServing: () => replica.healthy,
      leaderKnown: () => replica.leaderKnown,
    }),
  ]
  if (!config.enableFaultInjection) return routes
  log.warn({}, 'fault injection is enabled: whoever reaches the client port can cut this node off')
  const members = new Set(config.initialCluster.map((member) => member.name))
  const faults = faultRoutes({
    unknownNodes: (ids) => ids.filter((id) => !members.has(id)),
    setPartition: (blocked, ttlMs) => communicator.setPartition(blocked, ttlMs),
    setFaults: (targets, ttlMs) => communicator.setFaults(targets, ttlMs),
    faults: () => communicator.faults(),
    byzantineKinds: byzantine.kinds,
    setByzantine: (kinds) => byzantine.set(kinds),
    byzantine: () => byzantine.acts(),
  })
  return [...routes, ...faults]
}

function readMetrics(
  config: NodeConfig,
  parts: ListenParts,
  { tally, etcd }: { readonly tally: CallTally; readonly etcd: EtcdApi | null },
): void {
  const { communicator, replica, kv, metrics } = parts
  const { ids } = etcdMembers(config)
  metrics.read({
    version: VERSION,
    protocol: config.protocol,
    memberId: ids.memberOf(config.name),
    quotaBytes: config.limits.quotaBytes,
    tally,
    server: () => replica.numbers(),
    store: kv,
    etcd,
    peers: () =>
      communicator.traffic().map((peer) => ({ ...peer, memberId: ids.memberOf(peer.id) })),
    counters: () => replica.counters(),
  })
}

/** Without a client's key of its own a node can ask nothing for anybody. */
function isShut({ signing }: NodeReplica): boolean {
  return signing !== null && signing.frontDoor === null
}

/** Throws NodeError. */
export async function bind(server: Server, address: Address, what: string): Promise<string> {
  try {
    const { host, port } = await server.listen(address.host, address.port)
    return hostPort({ host, port })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw portTaken(what, hostPort(address), why)
  }
}

export function hostPort(address: Address): string {
  const { host, port } = address
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
