/** How a client of PBFT gets to know its cluster: whom to believe, with which keys, and a link to each endpoint. */
import { randomInt } from 'node:crypto'
import { Keyring } from '../../crypto/keyring.js'
import { nodeSuite } from '../../crypto/node.js'
import type { Signer } from '../../crypto/ports.js'
import { RequestMacs } from '../../crypto/request-macs.js'
import { signListen, type Voice } from '../../crypto/sealed.js'
import type { Channels } from '../channels.js'
import { newPbftClient, type PbftClientState } from '../core/pbft-state.js'
import { STATUS } from '../methods.js'
import type { Settings } from '../options.js'
import { SESSIONS } from '../sessions.js'
import { Hearing } from './hearing.js'
import { type LinkEvents, ReplicaLink } from './link.js'
import { type Trust, trustOnFirstUse } from './trust.js'

const AGAIN_MS_MAX = 3_200

export interface PbftTrust {
  /** Whom to believe; absent: what Q of the endpoints say. */
  readonly cluster?: Trust
  /** Absent: a key of this client's alone, thrown away with it. */
  readonly signer?: Signer
  /**
   * Shared by clients of one process that believe the same cluster: what one of them has verified, the others know. Absent: one
   * of this client's alone.
   */
  readonly keyring?: Keyring
  /** Called once when keys are taken from the network. */
  readonly onTrustOnFirstUse?: () => void
}

interface Meeting {
  readonly endpoints: readonly string[]
  readonly settings: Settings
  readonly channels: Channels
  readonly trust: PbftTrust
  readonly signer: Signer
  readonly events: Omit<LinkEvents, 'key' | 'proof'>
}

/** What there is from then on. */
export interface Met {
  readonly core: PbftClientState
  readonly voice: Voice
  /** Of those who are believed. */
  readonly keyring: Keyring
  readonly links: readonly ReplicaLink[]
  readonly hearing: Hearing<ReplicaLink>
}

/** Throws ClientError when it is not clear whom to believe, and KeyError. */
export async function meet(meeting: Meeting): Promise<Met> {
  const { endpoints, settings, channels, trust, signer, events } = meeting
  const { dialTimeoutMs: timeoutMs } = settings
  const cluster =
    trust.cluster ??
    (await trustOnFirstUse(endpoints, (endpoint) =>
      channels.to(endpoint).unary(STATUS, {}, { timeoutMs }),
    ))
  if (trust.cluster === undefined) trust.onTrustOnFirstUse?.()
  const { clusterId, replicas } = cluster
  const voice = { suite: nodeSuite, signer, clusterId }
  const core = newCore(cluster, settings)
  const links = endpoints.map(
    (endpoint) =>
      new ReplicaLink(endpoint, channels.to(endpoint), timeoutMs, {
        ...events,
        key: signer.publicKey,
        proof: (replica) => signListen(voice, replica),
      }),
  )
  return {
    core,
    voice: { ...voice, macs: new RequestMacs({ ...voice, replicas }) },
    keyring: trust.keyring ?? replyKeyring(cluster),
    links,
    hearing: new Hearing(links, core.faultyMax),
  }
}

function newCore({ replicas }: Trust, settings: Settings): PbftClientState {
  const { inflightMax, queuedMax, primaryMs } = settings
  return newPbftClient({
    replicas: replicas.map(({ name }) => name),
    seed: randomInt(2 ** 47),
    inflightMax,
    queuedMax,
    primaryMs,
    againMsMin: primaryMs,
    againMsMax: AGAIN_MS_MAX,
    session: SESSIONS,
  })
}

/** Verifies replies and nothing else. Throws KeyError. */
export function replyKeyring({ clusterId, replicas }: Trust): Keyring {
  const nobody = { clients: [], allowAnonymousClients: false }
  return new Keyring({ suite: nodeSuite, clusterId, replicas, ...nobody })
}
