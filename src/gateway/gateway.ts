/**
 * The front door on the client's side of the trust boundary: etcd's API for whoever trusts this process, which trusts no
 * single replica. It asks a PBFT cluster as a client does, and believes what f+1 replicas say.
 */
import { Channels } from '../client/channels.js'
import { Client } from '../client/client.js'
import { dialEndpoint } from '../client/dial.js'
import { settingsOf } from '../client/options.js'
import { protocolOf } from '../client/pbft/detect.js'
import { PbftEngine } from '../client/pbft/engine.js'
import { replyKeyring } from '../client/pbft/meeting.js'
import type { Keyring } from '../crypto/keyring.js'
import { WatchHub } from '../machine/watch/hub.js'
import { NodeError } from '../node/errors.js'
import { httpListener } from '../node/http.js'
import { bind } from '../node/listen.js'
import { type Log, SILENT } from '../node/log.js'
import { CallTally } from '../rpc/call-tally.js'
import { CLIENT_PORT_LIMITS } from '../rpc/limits.js'
import { createServer } from '../rpc/server.js'
import type { Server } from '../rpc/types.js'
import { answerOf } from '../server/etcd/commands.js'
import type { EtcdDoor } from '../server/etcd/door.js'
import { Outcomes, talliedDoor } from '../server/etcd/tallied-door.js'
import { gatewayIdentity, gatewayRoutes, type Identity } from './api.js'
import { ChangeFeed } from './change-feed.js'
import type { GatewayConfig } from './config.js'
import { gatewayDoor } from './door.js'
import { GatewayMetrics } from './metrics.js'
import { Pulse } from './pulse.js'

/** Calls in progress get so long to end when the gateway stops. */
const CLOSE_GRACE_MS = 300
const USAGE = 2

export class Gateway {
  /** Resolves after `close`. */
  readonly closed: Promise<void>
  readonly #config: GatewayConfig
  readonly #log: Log
  readonly #channels: Channels
  readonly #keyring: Keyring
  readonly #engine: PbftEngine
  readonly #door: EtcdDoor
  readonly #feed: ChangeFeed
  readonly #hub: WatchHub
  readonly #pulse: Pulse
  readonly #outcomes = new Outcomes()
  readonly #identity: Identity
  #ended: () => void = () => {}
  #server: Server | null = null
  #polling: NodeJS.Timeout | null = null
  #closing: Promise<void> | null = null
  #refusal = ''
  endpoint = ''

  private constructor(config: GatewayConfig, log: Log) {
    this.#config = config
    this.#log = log
    this.closed = new Promise((resolve) => {
      this.#ended = resolve
    })
    const { cluster, signer, endpoints, commandTimeoutMs, dialTimeoutMs } = config
    this.#channels = new Channels(dialEndpoint, dialTimeoutMs)
    this.#keyring = replyKeyring(cluster)
    const settings = settingsOf({ endpoints, commandTimeoutMs, dialTimeoutMs })
    this.#engine = new PbftEngine(endpoints, settings, {
      channels: this.#channels,
      cluster,
      signer,
      keyring: this.#keyring,
    })
    const events = {
      saw: (revision: number) => this.#feed.saw(revision),
      answered: () => this.#pulse.answered(),
      refused: (why: string) => this.#tellRefusal(why),
    }
    const now = () => performance.now()
    const door = gatewayDoor(this.#engine, events, commandTimeoutMs)
    this.#door = talliedDoor(door, this.#outcomes, now)
    this.#feed = new ChangeFeed({
      ask: async (query) => answerOf(await door.submit(query, commandTimeoutMs, true)),
      changed: () => this.#hub.changed(),
    })
    this.#hub = new WatchHub(this.#feed, { soon: setImmediate, now })
    this.#pulse = new Pulse({
      now,
      ask: () => this.#feed.refresh(),
      changed: (answers, why) => this.#tellPulse(answers, why),
    })
    this.#identity = gatewayIdentity(cluster.clusterId, signer.publicKey)
  }

  /** Resolves once it listens; the replicas need not answer yet. Throws NodeError. */
  static async start(config: GatewayConfig, log: Log = SILENT): Promise<Gateway> {
    const gateway = new Gateway(config, log)
    try {
      await gateway.#listen()
      await gateway.#refuseRaft()
      gateway.#run()
    } catch (error) {
      await gateway.close()
      throw error
    }
    return gateway
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown().then(() => this.#ended())
    return this.#closing
  }

  /** Why a write or a read would not be served now; null: it would. */
  notReady(): string | null {
    if (this.#closing !== null) return 'the gateway is stopping'
    if (this.#pulse.answers) return null
    const { faultyMax } = this
    const silent = [...this.#engine.unreachable].map(([node, why]) => `${node}: ${why}`)
    const why = this.#refusal === '' ? silent.join('; ') : this.#refusal
    return `no answer that ${faultyMax + 1} replicas agree on${why === '' ? '' : ` (${why})`}`
  }

  get faultyMax(): number {
    return Math.floor((this.#config.cluster.replicas.length - 1) / 3)
  }

  async #listen(): Promise<void> {
    const onError = (error: unknown, path: string) =>
      this.#log.error({ err: error, path }, 'a call failed')
    const view = () => this.#engine.believed?.view ?? 0
    const answers = () => this.#pulse.answers
    const routes = gatewayRoutes({
      listen: this.#config.listen,
      identity: this.#identity,
      door: this.#door,
      feed: this.#feed,
      hub: this.#hub,
      endpoint: () => this.endpoint,
      notReady: () => this.notReady(),
      alive: () => this.#closing === null,
      answers,
      view,
    })
    const tally = new CallTally(routes)
    const metrics = new GatewayMetrics({
      memberId: this.#identity.member,
      tally,
      outcomes: this.#outcomes,
      watch: () => this.#hub.numbers,
      answers,
      view,
      unreachable: () => this.#engine.unreachable.size,
      signatures: () => this.#keyring.counters,
    })
    const { http, listen: listenClient } = this.#config
    const known = { http, listenClient, advertiseClient: null, initialCluster: [] }
    const server = createServer({
      routes,
      tally,
      limits: CLIENT_PORT_LIMITS,
      http1: httpListener(known, {
        routes,
        onError,
        tally,
        notReady: () => this.notReady(),
        // All that it serves it asks the replicas for, their alarms too.
        notServing: () => this.notReady(),
        alarms: () => [],
        alive: () => this.#closing === null,
        metrics: () => metrics.text(),
      }),
      onError,
    })
    this.endpoint = await bind(server, listenClient, 'the gateway')
    this.#server = server
  }

  /** Over Raft a node is to be believed, and there is nobody to count. */
  async #refuseRaft(): Promise<void> {
    const { endpoints, dialTimeoutMs } = this.#config
    const client = new Client({ endpoints, dialTimeoutMs })
    try {
      if ((await protocolOf(client, dialTimeoutMs)) !== 'raft') return
    } finally {
      client.close()
    }
    throw new NodeError(
      USAGE,
      `${endpoints.join(', ')} run Raft, whose nodes sign nothing: a gateway is for PBFT. They serve etcd's API ` +
        'themselves: point the client at them',
    )
  }

  #run(): void {
    this.#pulse.start()
    this.#polling = setInterval(() => {
      if (!this.#hub.idle) this.#feed.poll(this.#hub.told)
    }, this.#config.watchMs)
  }

  #tellPulse(answers: boolean, why: string | null): void {
    if (this.#closing !== null) return
    if (answers) {
      this.#refusal = ''
      const { view, primary } = this.#engine.believed ?? {}
      this.#log.info({ client: this.endpoint, view, primary }, 'ready to serve client requests')
      return
    }
    const error = why === null ? {} : { error: why }
    this.#log.warn(
      { why: this.notReady(), ...error },
      'the cluster does not answer: requests will time out',
    )
  }

  #tellRefusal(why: string): void {
    if (this.#refusal === why) return
    this.#refusal = why
    this.#log.error({ why }, 'the replicas refuse what this gateway asks')
  }

  async #shutDown(): Promise<void> {
    this.#pulse.stop()
    if (this.#polling !== null) clearInterval(this.#polling)
    this.#feed.close()
    await this.#server?.close(CLOSE_GRACE_MS)
    this.#engine.close()
    this.#channels.close()
  }
}
