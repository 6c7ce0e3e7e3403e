/**
 * Drives the cluster's one formation over the peers' handshakes (driver/formation.ts decides), and tells peers, in
 * every handshake, how far it has come and where clients reach this node.
 */
import type { HelloHeard } from '../communicator/types.js'
import type { Member } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import {
  decide,
  type Formation,
  type FormationDecision,
  type FormationState,
  formationState,
  newFormation,
  onGone,
  onHello,
} from '../driver/formation.js'
import { decodeAnnouncement, encodeAnnouncement } from './announcement.js'
import { dataRefused, type NodeError } from './errors.js'

export interface FormingEvents {
  /** What our next handshakes say. */
  announce(bytes: Uint8Array): void
  waits(why: string): void
  /** All members confirm this list: it is the first entry of every log. */
  form(members: readonly Member[]): void
  refused(error: NodeError): void
}

export class Forming {
  readonly #events: FormingEvents
  readonly #clientEndpoints = new Map<NodeId, string>()
  #ownEndpoint = ''
  #announced = ''
  #formation: Formation | null = null

  constructor(events: FormingEvents) {
    this.#events = events
  }

  /** `host:port`; empty: none. */
  clientEndpointOf(id: NodeId): string {
    return this.#clientEndpoints.get(id) ?? ''
  }

  listensAt(endpoint: string): void {
    this.#ownEndpoint = endpoint
  }

  begin(self: Member, initialMembers: readonly NodeId[]): void {
    this.#formation = newFormation(self, initialMembers)
    this.#onDecision(decide(this.#formation))
  }

  /** The cluster has formed, now or long ago. */
  formed(members: readonly Member[]): void {
    this.#formation = null
    this.#announce({ formed: true, members })
  }

  heard(hello: HelloHeard): void {
    const announcement = decodeAnnouncement(hello.bootstrap)
    if (announcement === null) return
    this.#clientEndpoints.set(hello.nodeId, announcement.clientEndpoint)
    if (this.#formation === null) return
    const from = { id: hello.nodeId, uid: hello.uid }
    this.#onDecision(onHello(this.#formation, from, announcement.formation))
  }

  gone(id: NodeId): void {
    if (this.#formation !== null) onGone(this.#formation, id)
  }

  stop(): void {
    this.#formation = null
  }

  #onDecision(decision: FormationDecision): void {
    if (this.#formation === null) return
    switch (decision.type) {
      case 'Wait':
        this.#events.waits(
          `the cluster has not formed yet: waiting for ${decision.missing.join(', ')}`,
        )
        this.#announce(formationState(this.#formation))
        return
      case 'Form':
        // What this node says now must be what it forms with: others form only on that word.
        this.#announce(formationState(this.#formation))
        this.#formation = null
        this.#events.form(decision.members)
        return
      case 'Refuse':
        this.#formation = null
        this.#events.refused(wiped(decision.by, decision.formedWith))
    }
  }

  #announce(formation: FormationState): void {
    const bytes = encodeAnnouncement({ formation, clientEndpoint: this.#ownEndpoint })
    const text = Buffer.from(bytes).toString('latin1')
    if (text === this.#announced) return
    this.#announced = text
    this.#events.announce(bytes)
  }
}

function wiped(by: NodeId, formedWith: string | null): NodeError {
  return dataRefused(
    `this data directory was wiped: ${by} says that the cluster formed with another one ` +
      `(uid ${formedWith ?? 'none'}). A node that forgot what it promised must not come back under its name; ` +
      'put the old directory back, or replace the node by a new member',
  )
}
