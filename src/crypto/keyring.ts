/**
 * Whose signatures count: the replicas' and the clients' of one cluster. Each signature is verified once and then
 * remembered, for the same statement arrives often: by itself, in certificates, in view changes, from several peers.
 */
import { latin1Decode } from '../base/latin1.js'
import { keepNewest } from '../base/oldest.js'
import { Writer } from '../base/varint.js'
import { principalOf, proofOf } from '../consensus/auth.js'
import type { Request } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import { batchDigest, signedBytes } from '../consensus/pbft/encoding.js'
import { type Message, type Statement, statementsOf } from '../consensus/pbft/messages.js'
import type { Crypto } from '../consensus/pbft/options.js'
import { KnownSeals } from './known-seals.js'
import { KeyError, type NamedKey, type Signer, type Suite, type Verifier } from './ports.js'
import { MAC_BYTES, OwnMacs } from './request-macs.js'
import { listenDigest, type Reply, replyDigest, requestDigest } from './sealed.js'
import { readSeal, sealLength, signedBySeal } from './seals.js'

/** Signatures remembered as good; the oldest go first. 32 bytes each, and the map's own. */
export const VERIFIED_MAX = 65_536
/** Signatures of one Forward that may be bad before the rest of it is left out. */
export const FORGED_OF_FORWARD_MAX = 2
/** Keys of clients that nobody configured, kept ready for use. */
const ANONYMOUS_KEYS_MAX = 4_096

export type { NamedKey } from './ports.js'

export interface KeyringOptions {
  readonly suite: Suite
  readonly clusterId: string
  readonly replicas: readonly NamedKey[]
  readonly clients: readonly NamedKey[]
  /** Whether a key that is not in `clients` may ask too. */
  readonly allowAnonymousClients: boolean
  /** The replica that this is, which takes MACs for signatures where that is enough. */
  readonly own?: { readonly name: NodeId; readonly signer: Signer }
}

export class Keyring {
  readonly #suite: Suite
  readonly #clusterId: string
  readonly #replicas = new Map<NodeId, Verifier>()
  readonly #clients = new Map<string, Verifier>()
  readonly #anonymous: Map<string, Verifier> | null
  readonly #verified = new Set<string>()
  readonly #seals: KnownSeals
  readonly #macs: OwnMacs | null
  #verifications = 0
  #remembered = 0
  #macsTaken = 0

  /** Throws KeyError: a bad key, a name twice, or one key under two names. */
  constructor(options: KeyringOptions) {
    this.#suite = options.suite
    this.#clusterId = options.clusterId
    this.#seals = new KnownSeals(options.suite.digest)
    this.#anonymous = options.allowAnonymousClients ? new Map() : null
    const { own } = options
    this.#macs =
      own === undefined ? null : new OwnMacs(own.name, { ...options, signer: own.signer })
    const owners = new Map<string, string>()
    const add = ({ name, publicKey }: NamedKey): Verifier => {
      const key = latin1Decode(publicKey)
      const owner = owners.get(key)
      // Else one replica would have two votes, or could pass for a client.
      if (owner !== undefined) throw new KeyError(`${name} and ${owner} have the same key`)
      owners.set(key, name)
      try {
        return options.suite.verifier(publicKey)
      } catch (error) {
        if (error instanceof KeyError) throw new KeyError(`${name}: ${error.message}`)
        throw error
      }
    }
    for (const one of options.replicas) {
      if (this.#replicas.has(one.name)) throw new KeyError(`two keys of ${one.name}`)
      this.#replicas.set(one.name, add(one))
    }
    for (const one of options.clients) this.#clients.set(latin1Decode(one.publicKey), add(one))
  }

  /** Signatures computed, those that were known, and those that a MAC stood for. */
  get counters(): {
    readonly verifications: number
    readonly remembered: number
    readonly macs: number
  } {
    return {
      verifications: this.#verifications,
      remembered: this.#remembered,
      macs: this.#macsTaken,
    }
  }

  hasReplica(name: NodeId): boolean {
    return this.#replicas.has(name)
  }

  verifyStatement(statement: Statement): boolean {
    const verifier = this.#replicas.get(statement.sender)
    if (verifier === undefined) return false
    return this.#verify(verifier, signedBytes(this.#clusterId, statement), statement.signature)
  }

  /**
   * The message as the core may see it; null when a signature in it is wrong. Of a Forward only what no client signed
   * is left out, so that one client's junk does not hold up the others. What Q replicas certified is not asked of the
   * clients again: their keys may have gone since.
   */
  admit(message: Message): Message | null {
    if (!statementsOf(message).every((statement) => this.verifyStatement(statement))) return null
    if (message.type === 'Forward') {
      const requests = this.#genuine(message.requests)
      return { ...message, requests }
    }
    if (message.type === 'PrePrepare' && message.batch !== null) {
      // Anybody can put another batch beside a proposal: a hash is cheaper than what its requests cost.
      const digest = batchDigest(this.#suite.digest, this.#clusterId, message.batch)
      if (digest !== message.proposed.digest) return null
      if (!message.batch.requests.every((request) => this.#verifyProposed(request))) return null
    }
    return message
  }

  /** Signed by the client that its auth names, and that one may ask. */
  verifyRequest(request: Request): boolean {
    if (request.auth === undefined) return false
    const verifier = this.#client(principalOf(request.auth))
    if (verifier === null) return false
    const proof = this.#readProof(request.auth)
    if (proof === null) return false
    const leaf = requestDigest(this.#suite, this.#clusterId, request)
    const before = this.#verifications
    const good = this.#verifySeal(verifier, leaf, proof.seal)
    // What was remembered does not count: anybody can say it again, and it costs nothing.
    if (good && this.#verifications > before) this.#macs?.verified(verifier.publicKey)
    return good
  }

  /** Whoever hands requests on has verified them: behind some forged ones nothing more is worth its signature. */
  #genuine(requests: readonly Request[]): Request[] {
    let forged = 0
    return requests.filter((request) => {
      if (forged >= FORGED_OF_FORWARD_MAX) return false
      const before = this.#verifications
      if (this.verifyRequest(request)) return true
      // A client that nobody let in here costs nothing, and may be known to who handed it on.
      if (this.#verifications > before) forged++
      return false
    })
  }

  /** Of a batch of the primary's, who has verified the signature or is no worse a liar for not having done so. */
  #verifyProposed(request: Request): boolean {
    if (this.#macs === null || request.auth === undefined) return this.verifyRequest(request)
    const principal = principalOf(request.auth)
    const macs = this.#readProof(request.auth)?.macs
    if (macs === undefined || macs.length === 0 || this.#client(principal) === null)
      return this.verifyRequest(request)
    const leaf = requestDigest(this.#suite, this.#clusterId, request)
    if (!this.#macs.isGood(principal, leaf, macs)) return this.verifyRequest(request)
    this.#macsTaken++
    return true
  }

  /** MACs for all replicas or for none: what is neither is no proof, to no replica. */
  #readProof(auth: Uint8Array): { readonly seal: Uint8Array; readonly macs: Uint8Array } | null {
    const proof = proofOf(auth)
    const length = sealLength(proof)
    if (length === null) return null
    const macs = proof.subarray(length)
    if (macs.length !== 0 && macs.length !== this.#replicas.size * MAC_BYTES) return null
    return { seal: proof.subarray(0, length), macs }
  }

  /** By the replica of that name. The bytes say themselves in which cluster and as what they were signed. */
  verifyBytes(name: NodeId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const verifier = this.#replicas.get(name)
    return verifier !== undefined && this.#verify(verifier, bytes, signature)
  }

  /** By the replica that it names. */
  verifyReply(reply: Reply, seal: Uint8Array): boolean {
    const verifier = this.#replicas.get(reply.replica)
    if (verifier === undefined) return false
    return this.#verifySeal(verifier, replyDigest(this.#suite, this.#clusterId, reply), seal)
  }

  /** Whose replies may be sent to whoever shows this to `replica`; null: nobody's. */
  verifyListen(replica: NodeId, auth: Uint8Array): Uint8Array | null {
    const principal = new Uint8Array(principalOf(auth))
    const verifier = this.#client(principal)
    if (verifier === null) return null
    const leaf = listenDigest(this.#suite, this.#clusterId, { replica, principal })
    return this.#verifySeal(verifier, leaf, proofOf(auth)) ? principal : null
  }

  #verifySeal(verifier: Verifier, leaf: Uint8Array, bytes: Uint8Array): boolean {
    const seal = readSeal(bytes)
    if (seal === null) return false
    const { digest } = this.#suite
    if (seal.count === 0)
      return this.#verify(verifier, signedBySeal(digest, leaf, seal), seal.signature)
    if (this.#seals.has(verifier.publicKey, leaf, seal)) {
      this.#remembered++
      return true
    }
    if (!this.#verify(verifier, signedBySeal(digest, leaf, seal), seal.signature)) return false
    this.#seals.add(verifier.publicKey, leaf, seal)
    return true
  }

  /** Only what was good is remembered: nobody pushes it out with junk. */
  #verify(verifier: Verifier, bytes: Uint8Array, signature: Uint8Array): boolean {
    const w = new Writer(128 + bytes.length)
    w.chunk(verifier.publicKey).chunk(signature).raw(bytes)
    const key = latin1Decode(this.#suite.digest(w.finish()))
    if (this.#verified.has(key)) {
      this.#remembered++
      return true
    }
    this.#verifications++
    if (!verifier.verify(bytes, signature)) return false
    this.#verified.add(key)
    keepNewest(this.#verified, VERIFIED_MAX)
    return true
  }

  #client(principal: Uint8Array): Verifier | null {
    const key = latin1Decode(principal)
    const known = this.#clients.get(key) ?? this.#anonymous?.get(key)
    if (known !== undefined) return known
    if (this.#anonymous === null || principal.length === 0) return null
    try {
      const verifier = this.#suite.verifier(principal)
      this.#anonymous.set(key, verifier)
      keepNewest(this.#anonymous, ANONYMOUS_KEYS_MAX)
      return verifier
    } catch (error) {
      if (error instanceof KeyError) return null
      throw error
    }
  }
}

/** What the consensus core signs and hashes with. */
export function coreCrypto(suite: Suite, signer: Signer): Crypto {
  return { digest: suite.digest, sign: (bytes) => signer.sign(bytes) }
}
