/**
 * PBFT's front door as the services see it: clients sign what they ask, and the replica gives its word on what it
 * came to. A client believes f+1 replicas, so each of them tells it, whichever was asked.
 */
import type { Request } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'

/** A replica's word on an answer; the seal is verified by Keyring.verifyReply. */
export interface Vouched {
  readonly session: number
  readonly seq: number
  readonly answer: Uint8Array
  readonly voucher: { readonly replica: NodeId; readonly view: number; readonly seal: Uint8Array }
}

export type Hear = (vouched: Vouched) => void

export interface SignedDoor {
  /** Why this may not be proposed; null: its client signed it, and may ask. */
  refusal(request: Request): string | null
  /** The word on a request that is executed already and not acknowledged, so that it need not be ordered again. */
  stored(request: Request, hear: Hear): boolean
  /** `hear` runs when this very request is applied; until then it can be called off. */
  expect(request: Request, hear: Hear): Expected
  /**
   * From now on `hear` gets what all requests under the client's key come to. Gives the key (latin1) and how to end it;
   * null when the proof is none or too many listen.
   */
  listen(proof: Uint8Array, hear: Hear): Listening | null
}

export interface Listening {
  readonly principal: string
  end(): void
}

export interface Expected {
  /** False: it was heard, or is about to be. */
  callOff(): boolean
}
