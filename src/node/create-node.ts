/** Embedding: one node of a cluster inside the caller's process, replicating a class of the caller's. */
import { isNodeId } from '../consensus/ids.js'
import type { StateMachine } from '../machine/state-machine.js'
import type { ProtocolName } from '../protocols.js'
import { startNode } from './compose.js'
import {
  type Address,
  DEFAULT_HTTP,
  DEFAULT_LIMITS,
  DEFAULT_TIMING,
  type NodeConfig,
  type NodeLimits,
  type Timing,
} from './config.js'
import { NodeError } from './errors.js'
import { FrontDoor, type Submitted } from './front-door.js'
import { type PbftFiles, readKeys } from './key-files.js'
import type { Log } from './log.js'
import type { NodeReplica } from './node-replica.js'
import { Sealer } from './sealer.js'

export interface NodeOptions {
  /** `[A-Za-z0-9._-]{1,63}` */
  readonly name: string
  /** Made when it is not there. One process, one directory. */
  readonly dataDir: string
  /** `host:port` on which the peers reach this node; port 0 is refused: peers must know it. */
  readonly listenPeer: string
  /** Every initial member, this node included: name to `host:port`. */
  readonly peers: Readonly<Record<string, string>>
  /** Default: raft. */
  readonly protocol?: ProtocolName
  /** PBFT: who is who, and this node's keys. */
  readonly pbft?: PbftFiles
  /** Default: the key-value store. */
  readonly machine?: StateMachine
  /** `host:port` for clients over gRPC; absent: no client port. */
  readonly listenClient?: string
  readonly clusterToken?: string
  readonly timing?: Partial<Timing>
  readonly limits?: Partial<NodeLimits>
  readonly log?: Log
}

export interface QuorateNodeStatus {
  readonly role: string
  readonly term: number
  readonly leader: string | null
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly stateHash: string
  readonly formed: boolean
}

export interface QuorateNode {
  /** `host:port`, or null without a client port. */
  readonly clientEndpoint: string | null
  /**
   * Runs a command through the log, once; resolves with the machine's result when this node has applied it.
   * Rejects with SubmitError: its `outcome` says whether it may have happened.
   */
  submit(command: Uint8Array, options?: { readonly timeoutMs?: number }): Promise<Uint8Array>
  /** Asks the machine; linearizable unless `stale`. */
  query(
    query: Uint8Array,
    options?: { readonly consistency?: 'linearizable' | 'stale'; readonly timeoutMs?: number },
  ): Promise<Uint8Array>
  status(): QuorateNodeStatus
  /** `failed`: the node cannot go on, and has stopped. */
  on(event: 'failed', listener: (error: Error) => void): void
  close(): Promise<void>
}

/** Why a command or query of an embedded node did not succeed. */
export class SubmitError extends Error {
  override readonly name = 'SubmitError'
  /** NotLeader and Overloaded: never executed. Indeterminate: it may have been, or may be yet. */
  readonly outcome: 'NotLeader' | 'Overloaded' | 'Indeterminate'
  /** With NotLeader: who leads, if known. */
  readonly leader: string | null

  constructor(outcome: SubmitError['outcome'], message: string, leader: string | null = null) {
    super(message)
    this.outcome = outcome
    this.leader = leader
  }
}

/** Resolves once the node listens; commands wait for the cluster to form. Throws NodeError. */
export async function createNode(options: NodeOptions): Promise<QuorateNode> {
  const config = toConfig(options)
  const node = await startNode(config, {
    ...(options.machine === undefined ? {} : { machine: options.machine }),
    ...(options.log === undefined ? {} : { log: options.log }),
  })
  const { replica } = node
  const door = doorOf(replica)
  return {
    clientEndpoint: node.clientEndpoint,
    async submit(command, { timeoutMs = replica.commandTimeoutMs } = {}) {
      if (command.length > replica.commandBytesMax)
        throw new RangeError(`a command has at most ${replica.commandBytesMax} bytes`)
      return resultOf(await door.submit(command, timeoutMs))
    },
    query(query, { consistency = 'linearizable', timeoutMs = replica.commandTimeoutMs } = {}) {
      if (consistency === 'stale') return Promise.resolve(replica.query(query))
      // No single replica can be believed: the read gets a place in the order.
      if (replica.signing !== null) return door.submit(query, timeoutMs, true).then(resultOf)
      return new Promise((resolve, reject) => {
        replica.read(timeoutMs, (outcome) => {
          if (outcome.type === 'Ready') resolve(replica.query(query))
          else if (outcome.type === 'Unsupported')
            reject(new SubmitError('Overloaded', 'this protocol has no such reads'))
          else reject(errorOf(outcome))
        })
      })
    },
    status() {
      const { role, term, leader, commitIndex, appliedIndex, stateHash, formed } = replica.status()
      return {
        role,
        term,
        leader: leader === '' ? null : leader,
        commitIndex,
        appliedIndex,
        stateHash,
        formed,
      }
    },
    on(_event, listener) {
      node.closed.catch(listener)
    },
    close: () => node.close(),
  }
}

function doorOf(replica: NodeReplica): Pick<FrontDoor, 'submit'> {
  const { signing } = replica
  if (signing === null) return new FrontDoor(replica)
  if (signing.frontDoor !== null)
    return new FrontDoor(replica, { forward: true }, new Sealer(signing.frontDoor))
  const reason = 'this node asks for nobody: it was started without pbft.frontDoorKeyFile'
  return { submit: async () => ({ type: 'Overloaded', reason }) }
}

function resultOf(submitted: Submitted): Uint8Array {
  if (submitted.type === 'Result') return submitted.result
  throw errorOf(submitted)
}

function errorOf(outcome: Exclude<Submitted, { type: 'Result' }>): SubmitError {
  if (outcome.type === 'NotLeader') {
    const hint = outcome.leader === null ? 'no leader is known' : `${outcome.leader} leads`
    return new SubmitError('NotLeader', `not leader: ${hint}`, outcome.leader)
  }
  return new SubmitError(outcome.type, outcome.reason)
}

function toConfig(options: NodeOptions): NodeConfig {
  const names = Object.keys(options.peers)
  for (const name of [options.name, ...names])
    if (!isNodeId(name)) throw usage(`${JSON.stringify(name)} is no node name`)
  if (!names.includes(options.name)) throw usage(`peers: ${options.name} itself is missing`)
  const listenPeer = parse(options.listenPeer, 'listenPeer')
  const protocol = options.protocol ?? 'raft'
  if (protocol === 'pbft' && options.pbft === undefined)
    throw usage('pbft: protocol pbft needs a cluster file and a key file')
  const pbft =
    protocol === 'pbft' && options.pbft !== undefined ? readKeys(options.pbft, names) : null
  return {
    name: options.name,
    protocol,
    pbft: pbft === null ? null : pbft.keys,
    dataDir: options.dataDir,
    listenPeer,
    listenClient:
      options.listenClient === undefined ? null : parse(options.listenClient, 'listenClient'),
    advertiseClient: null,
    initialCluster: Object.entries(options.peers).map(([name, text]) => ({
      name,
      address: parse(text, `peers.${name}`),
    })),
    clusterToken: pbft?.token ?? options.clusterToken ?? 'quorate-cluster',
    enableFaultInjection: false,
    http: DEFAULT_HTTP,
    timing: { ...DEFAULT_TIMING, ...options.timing },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  }
}

function parse(text: string, what: string): Address {
  const match = /^(.+):([0-9]{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (match?.[1] === undefined || port > 65_535)
    throw usage(`${what}: expected host:port, got ${JSON.stringify(text)}`)
  return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port }
}

function usage(message: string): NodeError {
  return new NodeError(2, message)
}
