/**
 * MACs beside a client's signature, one for each replica in the order of their names, under a key that client and
 * replica have in common (Signer.agree). A backup that finds its own good need not verify the signature of a request that its
 * primary proposes: that is most of what a request costs. They prove nothing to anybody else, and decide nothing:
 * 1. A client makes its MAC good for the primary alone. 2. Were the primary to propose it on that, the backups would
 * refuse, and an honest primary would be taken for a liar (Aardvark, 2009).
 * So whoever orders, forwards or waits for a request verifies the signature, and who finds its MAC bad falls back on it
 * (docs/decisions/0010-macs-beside-signatures.md).
 */
import { latin1Decode } from '../base/latin1.js'
import { keepNewest } from '../base/oldest.js'
import { utf8Encode } from '../base/utf8.js'
import { Writer } from '../base/varint.js'
import { compareNodeIds, type NodeId } from '../consensus/ids.js'
import type { NamedKey, Signer, Suite } from './ports.js'

/** Half of an HMAC-SHA256, as RFC 2104 allows. */
export const MAC_BYTES = 16
/** A signature for more requests than this costs each of them less than a MAC. */
export const MACED_REQUESTS_MAX = 8
const KEY_CONTEXT = utf8Encode('quorate-request-mac-1')
/**
 * A client's first so many signatures have no MACs beside them, and a replica agrees on no key with whom it has verified fewer of.
 * To verify them costs as much as to agree (1 to 2 ms): for less, the client's keys would cost more than its MACs save, and
 * a stranger with ever new keys could have a replica compute many times what each request costs otherwise. Now it is twice. Signatures
 * are counted on either side, not requests: one can be for thousands.
 */
export const BARE_SIGNATURES = 16
/** Keys with clients, kept ready for use. */
export const KEYS_MAX = 4_096
/** Clients of whom some signatures were verified, and with whom there is no key: a hundred bytes each. */
export const COUNTED_MAX = 16_384

export interface MacOptions {
  readonly suite: Suite
  readonly signer: Signer
  readonly clusterId: string
  readonly replicas: readonly NamedKey[]
}

/** A client's side: the MACs of all replicas for what it asks. */
export class RequestMacs {
  readonly #options: MacOptions
  #bare: number
  /** Null within: with this replica there is no key. */
  #keys: readonly (Uint8Array | null)[] | null = null

  /** `bare`: so many of the first signatures get none. */
  constructor(options: MacOptions, bare: number = BARE_SIGNATURES) {
    this.#options = options
    this.#bare = bare
  }

  /** Whether MACs go beside the next signature, which is for so many requests. To be asked once for each. */
  areDue(requests: number): boolean {
    if (this.#bare === 0) return requests <= MACED_REQUESTS_MAX
    this.#bare--
    return false
  }

  /** `request`: the request's digest. */
  of(request: Uint8Array): Uint8Array {
    this.#keys ??= inOrder(this.#options.replicas).map((replica) => this.#keyWith(replica))
    const macs = new Uint8Array(this.#keys.length * MAC_BYTES)
    this.#keys.forEach((key, i) => {
      if (key !== null) macs.set(macOf(this.#options.suite, key, request), i * MAC_BYTES)
    })
    return macs
  }

  #keyWith(replica: NamedKey): Uint8Array | null {
    const client = this.#options.signer.publicKey
    return keyOf(this.#options, { client, replica: replica.publicKey, other: replica.publicKey })
  }
}

/**
 * A replica's side: whether its own MAC is good. What it remembers is in two maps, both in the order of the last use, so that nobody pushes
 * out cheaply what is in use: ever new keys push out each other's counts, and a key that is agreed on only by as many that have
 * had their BARE_SIGNATURES verified each. Who was pushed out of either is counted from zero, and until then verified by its signatures.
 */
export class OwnMacs {
  readonly #options: MacOptions
  readonly #place: number
  /** By the client's key: its signatures that we verified, and no more than matter. */
  readonly #counts = new Map<string, number>()
  /** By the client's key. */
  readonly #keys = new Map<string, Uint8Array | null>()

  /** `name`: this replica, whose key is the signer's. */
  constructor(name: NodeId, options: MacOptions) {
    this.#options = options
    this.#place = inOrder(options.replicas).findIndex((one) => one.name === name)
  }

  /** A signature of this client's was good, and it cost us a verification to know. */
  verified(client: Uint8Array): void {
    const id = latin1Decode(client)
    if (this.#keys.has(id)) return
    const count = Math.min((this.#counts.get(id) ?? 0) + 1, BARE_SIGNATURES)
    setNewest(this.#counts, id, count)
    keepNewest(this.#counts, COUNTED_MAX)
  }

  /** False says nothing of the request. `client`: its public key, of which is known that it may ask. */
  isGood(client: Uint8Array, request: Uint8Array, macs: Uint8Array): boolean {
    const { suite } = this.#options
    const at = this.#place * MAC_BYTES
    if (at < 0 || macs.length < at + MAC_BYTES) return false
    const id = latin1Decode(client)
    const key = this.#keyWith(id, client)
    if (key === null) return false
    const mac = macOf(suite, key, request)
    // In one time, wherever they differ.
    let difference = 0
    for (let i = 0; i < MAC_BYTES; i++) difference |= (mac[i] ?? 0) ^ (macs[at + i] ?? 0)
    if (difference !== 0) return false
    setNewest(this.#keys, id, key)
    return true
  }

  #keyWith(id: string, client: Uint8Array): Uint8Array | null {
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    if ((this.#counts.get(id) ?? 0) < BARE_SIGNATURES) return null
    this.#counts.delete(id)
    const { signer } = this.#options
    const key = keyOf(this.#options, { client, replica: signer.publicKey, other: client })
    this.#keys.set(id, key)
    keepNewest(this.#keys, KEYS_MAX)
    return key
  }
}

/** Behind all others, wherever it was. */
function setNewest<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key)
  map.set(key, value)
}

function inOrder(replicas: readonly NamedKey[]): NamedKey[] {
  return [...replicas].sort((a, b) => compareNodeIds(a.name, b.name))
}

/** For this cluster, client and replica, and nothing else. */
function keyOf(
  { suite, signer, clusterId }: MacOptions,
  of: { readonly client: Uint8Array; readonly replica: Uint8Array; readonly other: Uint8Array },
): Uint8Array | null {
  const secret = signer.agree(of.other)
  if (secret === null) return null
  const w = new Writer(160).chunk(KEY_CONTEXT).text(clusterId).chunk(of.client).chunk(of.replica)
  return suite.mac(secret, w.finish())
}

function macOf(suite: Suite, key: Uint8Array, request: Uint8Array): Uint8Array {
  return suite.mac(key, request).subarray(0, MAC_BYTES)
}
