/**
 * A node that runs PBFT: its keys, and the verification of every signature before the core sees a message. What is
 * decoded is verified on the way; what was verified once is remembered (crypto/keyring.ts). What decides nothing is neither
 * verified nor shown to the core (crypto/reading.ts).
 */
import { toHex } from '../base/bytes.js'
import {
  DEFAULT_OPTIONS,
  type Message,
  type Options,
  type Pbft,
  type WalRecord,
} from '../consensus/pbft/index.js'
import { faultsMax, weakQuorum } from '../consensus/pbft/quorum.js'
import { highWatermark, lowWatermark } from '../consensus/pbft/state.js'
import { clusterIdOf } from '../crypto/cluster-id.js'
import { type Contradiction, Evidence } from '../crypto/evidence.js'
import { handshakeSeals } from '../crypto/handshake-seals.js'
import { coreCrypto, Keyring } from '../crypto/keyring.js'
import { nodeSuite } from '../crypto/node.js'
import { KeyError, type Signer } from '../crypto/ports.js'
import { readMessage } from '../crypto/reading.js'
import { RequestMacs } from '../crypto/request-macs.js'
import type { Voice } from '../crypto/sealed.js'
import type { PbftStatus, Suspicion } from '../gen/quorate/v1/quorate.js'
import { protocols } from '../protocols.js'
import type { NodeConfig, PbftKeys } from './config.js'
import { NodeError } from './errors.js'
import { Liars } from './liars.js'
import type { Log } from './log.js'
import type { NodeProtocol, Signing } from './protocol.js'

const USAGE = 2
/** The view change has twice the patience of a request, and grows to eight times that (docs/pbft.md). */
const VIEW_CHANGE_FACTOR = 2
const VIEW_CHANGE_MAX_FACTOR = 16

/** Throws NodeError: keys that are missing, bad or not this node's. */
export function pbftOf(config: NodeConfig, log: Log): NodeProtocol<Message, WalRecord> {
  const { pbft: keys } = config
  if (keys === null) throw new NodeError(USAGE, 'PBFT needs keys: a cluster file and a key file')
  const names = config.initialCluster.map((member) => member.name)
  const clusterId = clusterIdOf(config.clusterToken, names)
  const signing = signingOf(config.name, clusterId, keys)
  const options = optionsOf(config, clusterId, keys.signer)
  const liars = config.enableFaultInjection ? new Liars(config.dataDir) : null
  let core: Pbft | null = null
  const { keyring } = signing
  const evidence = new Evidence(
    (found) => log.warn(toldOf(found), 'a replica contradicts itself'),
    (statement) => keyring.verifyStatement(statement),
  )
  return {
    protocol: {
      ...protocols.pbft,
      decodeMessage: (bytes) => {
        const message = protocols.pbft.decodeMessage(bytes)
        if (message === null) return null
        return core === null
          ? keyring.admit(message)
          : readMessage(core.state, message, { keyring, evidence })
      },
    },
    recover: (records, self) => {
      const known = liars?.amnesia.remembered(records) ?? records
      const recovered = protocols.pbft.recover(known, self, options)
      core = recovered.core
      return liars === null ? recovered : { ...recovered, core: liars.around(core) }
    },
    isBootstrapped: (records) =>
      records.some(
        (record) =>
          record.type === 'Bootstrap' ||
          record.type === 'Lost' ||
          (record.type === 'State' && record.members.length > 0),
      ),
    wallClock: true,
    signing,
    seals: handshakeSeals(config.name, signing.voice, keyring),
    weakQuorum: weakQuorum(names.length),
    liars,
    details: () => detailsOf(keys, core, evidence),
  }
}

function signingOf(name: string, clusterId: string, keys: PbftKeys): Signing {
  const { replicas, clients, allowAnonymousClients, signer, frontDoor } = keys
  const own = replicas.find((one) => one.name === name)
  if (own === undefined) throw new NodeError(USAGE, `the cluster file does not name ${name}`)
  if (Buffer.compare(own.publicKey, signer.publicKey) !== 0)
    throw new NodeError(
      USAGE,
      `the key file is not ${name}'s: the cluster file has another public key under that name`,
    )
  try {
    const voice = { suite: nodeSuite, signer, clusterId }
    const options = { suite: nodeSuite, clusterId, replicas, clients, allowAnonymousClients }
    return {
      keyring: new Keyring({ ...options, own: { name, signer } }),
      voice,
      frontDoor: frontDoor === null ? null : clientVoice(clusterId, replicas, frontDoor),
    }
  } catch (error) {
    if (error instanceof KeyError) throw new NodeError(USAGE, `cluster file: ${error.message}`)
    throw error
  }
}

function clientVoice(clusterId: string, replicas: PbftKeys['replicas'], signer: Signer): Voice {
  const voice = { suite: nodeSuite, signer, clusterId }
  return { ...voice, macs: new RequestMacs({ ...voice, replicas }) }
}

function optionsOf({ timing, limits }: NodeConfig, clusterId: string, signer: Signer): Options {
  const requestTicks = Math.max(2, Math.round(timing.electionTimeoutMs / timing.tickMs))
  return {
    ...DEFAULT_OPTIONS,
    crypto: coreCrypto(nodeSuite, signer),
    clusterId,
    requestTicks,
    viewChangeTicks: VIEW_CHANGE_FACTOR * requestTicks,
    viewChangeTicksMax: VIEW_CHANGE_MAX_FACTOR * requestTicks,
    statusTicks: Math.max(1, Math.round((2 * timing.heartbeatMs) / timing.tickMs)),
    // A snapshot is taken at a checkpoint, so that it is of one index everywhere.
    checkpointInterval: Math.min(DEFAULT_OPTIONS.checkpointInterval, limits.snapshotEntries),
    snapshotIndices: limits.snapshotEntries,
  }
}

function detailsOf(keys: PbftKeys, core: Pbft | null, evidence: Evidence): PbftStatus {
  const { replicas, allowAnonymousClients } = keys
  const sorted = [...replicas].sort((a, b) => (a.name < b.name ? -1 : 1))
  const state = core?.state
  return {
    replicaKeys: sorted.map(({ name, publicKey }) => ({ name, publicKey })),
    faultyMax: faultsMax(replicas.length),
    anonymousClients: allowAnonymousClients,
    active: state?.active ?? false,
    lowWatermark: state === undefined ? 0 : lowWatermark(state),
    highWatermark: state === undefined ? 0 : highWatermark(state),
    stableCheckpoint: state?.stable.index ?? 0,
    mute: state?.mute ?? false,
    diverged: state?.diverged ?? false,
    suspicions: evidence.contradictions.map(suspicionOf),
  }
}

function suspicionOf(found: Contradiction): Suspicion {
  const { replica, kind, epoch, view, index, first, second } = found
  return {
    replica,
    kind,
    epoch,
    view,
    index,
    digests: [first.digest, second.digest],
    signatures: [first.signature, second.signature],
  }
}

/** With both signatures: the log outlives the process, and with the public key they prove it to anybody. */
function toldOf(found: Contradiction): Record<string, unknown> {
  const { signatures, ...rest } = suspicionOf(found)
  return { ...rest, signatures: signatures.map(toHex) }
}
