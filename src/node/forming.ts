/**
 * Drives the cluster's one formation over the peers' handshakes (driver/formation.ts decides), and tells peers, in
 * every handshake, how far it has come, where clients reach this node, and which starts of data directories it met
 * (driver/starts.ts): an old copy of one must not take part. Where members do not trust each other, each of them signs
 * what it says of itself, and what is not signed is passed over, whoever hands it on.
 */
import { EMPTY } from '../base/bytes.js'
import type { HelloHeard, Objection } from '../communicator/types.js'
import type { Member } from '../consensus/contract.js'
import type { NodeId } from '../consensus/ids.js'
import type { HandshakeSeals } from '../crypto/handshake-seals.js'
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
import { judgeStart, type SealedStart, type Start, startBytes } from '../driver/starts.js'
import {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
  ownWordBytes,
} from './announcement.js'
import { dataRefused, NodeError } from './errors.js'
import type { StartsFile } from './starts-file.js'

export interface FormingEvents {
  /** What our next handshakes say. */
  announce(bytes: Uint8Array): void
  waits(why: string): void
  /** All members confirm this list: it is the first entry of every log. */
  form(members: readonly Member[]): void
  refused(error: NodeError): void
}

/** Whom to believe: signatures, and of how many members one is honest. */
export interface FormingTrust {
  readonly seals: HandshakeSeals
  readonly weakQuorum: number
}

export class Forming {
  readonly #trust: FormingTrust
  readonly #events: FormingEvents
  readonly #clientEndpoints = new Map<NodeId, string>()
  #ownEndpoint = ''
  #announced = ''
  #formation: Formation | null = null
  #said: FormationState = { formed: false, members: [] }
  #own: { readonly start: SealedStart; readonly met: StartsFile } | null = null

  constructor(trust: FormingTrust, events: FormingEvents) {
    this.#trust = trust
    this.#events = events
  }

  /** `host:port`; empty: none. */
  clientEndpointOf(id: NodeId): string {
    return this.#clientEndpoints.get(id) ?? ''
  }

  /** The start is its member's own word. */
  believes(start: SealedStart): boolean {
    return this.#trust.seals.isGood(start.id, 'start', startBytes(start), start.seal)
  }

  /** Before anything is heard or said. */
  starts(start: Start, met: StartsFile): void {
    const seal = this.#trust.seals.seal('start', startBytes(start))
    this.#own = { start: { ...start, seal }, met }
  }

  /** Before the first Hello, which must name the start already. */
  listensAt(endpoint: string): void {
    this.#ownEndpoint = endpoint
    this.#announce(this.#said)
  }

  begin(self: Member, initialMembers: readonly NodeId[]): void {
    this.#formation = newFormation(self, initialMembers, this.#trust.weakQuorum)
    this.#onDecision(decide(this.#formation))
  }

  /** The cluster has formed, now or long ago. */
  formed(members: readonly Member[]): void {
    this.#formation = null
    this.#announce({ formed: true, members })
  }

  heard(hello: HelloHeard): void {
    const announcement = decodeAnnouncement(hello.bootstrap)
    if (announcement === null || this.#isOlderThan(announcement.met, hello.nodeId)) return
    if (!this.#isItsWord(announcement, hello)) return
    this.#meet(startOf(announcement, hello))
    this.#clientEndpoints.set(hello.nodeId, announcement.clientEndpoint)
    if (this.#formation === null) return
    const from = { id: hello.nodeId, uid: hello.uid }
    this.#onDecision(onHello(this.#formation, from, announcement.formation))
  }

  /** Why the caller must not take part; null: it may, and its start is on disk. */
  objection(hello: HelloHeard): Objection | null {
    const announcement = decodeAnnouncement(hello.bootstrap)
    const { nodeId } = hello
    if (!this.#isItsWord(announcement, hello))
      return { code: 'signature', text: `what it tells is not signed by the key of ${nodeId}` }
    if (this.#meet(startOf(announcement, hello)) !== 'older') return null
    return {
      code: 'start',
      text: `a later start of ${nodeId} was met: this is an old copy of its data directory`,
    }
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

  /**
   * All of it is said by the member under whose name it came. Where that is proved by a signature, who tells no start of
   * its directory has proved nothing: it could be anybody.
   */
  #isItsWord(announcement: Announcement | null, hello: HelloHeard): boolean {
    const { seals } = this.#trust
    const by = hello.nodeId
    const start = startOf(announcement, hello)
    if (announcement === null || start === null) return seals.isGood(by, 'start', EMPTY, EMPTY)
    const { seal } = announcement
    return (
      this.believes(start) && seals.isGood(by, 'announcement', ownWordBytes(announcement), seal)
    )
  }

  #isOlderThan(met: readonly SealedStart[], by: NodeId): boolean {
    const start = this.#own?.start
    if (start === undefined) return false
    const newest = met.find(({ id, uid }) => id === start.id && uid === start.uid)
    if (newest === undefined || judgeStart(start, newest) !== 'older') return false
    if (!this.believes(newest)) return false
    this.#events.refused(oldCopy(by, newest, start))
    return true
  }

  #meet(start: SealedStart | null): 'newer' | 'known' | 'older' {
    if (start === null || this.#own === null) return 'known'
    try {
      const verdict = this.#own.met.meet(start)
      if (verdict === 'newer') this.#announce(this.#said)
      return verdict
    } catch (error) {
      if (!(error instanceof NodeError)) throw error
      this.#events.refused(error)
      return 'older'
    }
  }

  #announce(formation: FormationState): void {
    this.#said = formation
    const start = this.#own?.start ?? null
    const met = this.#own?.met.all ?? []
    const word = { formation, clientEndpoint: this.#ownEndpoint, start }
    const seal = this.#trust.seals.seal('announcement', ownWordBytes(word))
    const bytes = encodeAnnouncement({ ...word, met, seal })
    const text = Buffer.from(bytes).toString('latin1')
    if (text === this.#announced) return
    this.#announced = text
    this.#events.announce(bytes)
  }
}

/** Of its own directory only: what it says of another's is for that one to say. */
function startOf(announcement: Announcement | null, { nodeId, uid }: HelloHeard) {
  const start = announcement?.start ?? null
  return start !== null && start.id === nodeId && start.uid === uid ? start : null
}

function wiped(by: readonly NodeId[], formedWith: string): NodeError {
  return dataRefused(
    `this data directory was wiped: the cluster formed with another one (uid ${formedWith}), ` +
      `by the word of ${by.join(' and ')}. A node that forgot what it promised must not come back under its name; ` +
      'put the old directory back, or replace the node by a new member',
  )
}

function oldCopy(by: NodeId, newest: Start, own: Start): NodeError {
  return dataRefused(
    `this data directory is an old copy: ${by} has met start ${newest.number} of it, and this is ` +
      `${newest.number === own.number ? 'another start of that number' : `start ${own.number}`}. ` +
      'A node that forgot what it promised must not come back under its name; ' +
      'put the newest directory back, or replace the node by a new member',
  )
}
