/** What a node must know of the protocol that it runs, beside the contract. */
import type { Core, Effect, Protocol, Self } from '../consensus/contract.js'
import type { HandshakeSeals } from '../crypto/handshake-seals.js'
import type { Keyring } from '../crypto/keyring.js'
import type { Voice } from '../crypto/sealed.js'
import type { Codec } from '../driver/setup.js'
import type { PbftStatus } from '../gen/quorate/v1/quorate.js'
import type { Liars } from './liars.js'

export interface NodeProtocol<
  M extends { readonly type: string },
  R extends { readonly type: string },
> {
  /** With `decodeMessage` that gives only what the core may see: every signature in it is good. */
  readonly protocol: Omit<Protocol<M, R, never>, 'recover' | 'decodeMessage'> & Codec<M, R>
  recover(records: readonly R[], self: Self): { core: Core<M, R>; effects: Effect<M, R>[] }
  /** The cluster has formed: a damaged log of a cluster tells so too. */
  isBootstrapped(records: readonly R[]): boolean
  /** Agreed time is compared with others' clocks, and so is the wall's (PROTOCOL 3); else it is the leader's own. */
  readonly wallClock: boolean
  /** Null where members believe each other. */
  readonly signing: Signing | null
  readonly seals: HandshakeSeals
  /** W: among so many members that say the same there is one that does not lie. */
  readonly weakQuorum: number
  /** Null: it can only be honest. */
  readonly liars: Liars | null
  /** Of the core that was recovered last, for `status`. */
  details(): PbftStatus | undefined
}

/** Where replicas do not trust each other: who is who, and with which keys this node speaks. */
export interface Signing {
  readonly keyring: Keyring
  /** The replica's own. */
  readonly voice: Voice
  /**
   * With which this node asks for clients that trust it. A key of its own: what a replica signs as a replica, it must not
   * be able to sign for a client (PROTOCOL 8). Null: the front door is shut.
   */
  readonly frontDoor: Voice | null
}
