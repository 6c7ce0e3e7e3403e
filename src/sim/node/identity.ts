/**
 * Who a data directory says that it is, and whom it has met: beside the log, durable before a word is said. The rules are
 * the product's own (src/driver); here is what they are held against: which lives really were.
 */
import type { Member } from '../../consensus/contract.js'
import type { NodeId } from '../../consensus/ids.js'
import { newFormation, onHello } from '../../driver/formation.js'
import { judgeStart, type Start, StartsMet } from '../../driver/starts.js'
import { check } from '../checkers/violation.js'

/** What a peer tells in a handshake. */
export interface Greeting {
  readonly member: Member
  readonly met: readonly Start[]
  /** By member: the last of its lives that the peer heard of. The simulator's own knowledge. */
  readonly lives: ReadonlyMap<NodeId, number>
}

export interface IdentityCopy {
  readonly uid: string
  readonly starts: number
  readonly life: number
}

export class Identity {
  readonly #self: Member
  readonly #members: readonly Member[]
  readonly #met = new StartsMet()
  readonly #lives = new Map<NodeId, number>()
  #starts = 0
  #life = 0
  #start: Start | null = null
  /** Instead of its own disk it runs on this one, at its so-manieth start. Null: on its own. */
  #impostor: Start | null = null

  constructor(self: Member, members: readonly Member[]) {
    this.#self = self
    this.#members = members
  }

  get isForeign(): boolean {
    return this.#impostor !== null
  }

  get start(): Start | null {
    return this.#start
  }

  get life(): number {
    return this.#life
  }

  /** Counted before anything is said. */
  begin(incarnation: number): void {
    this.#life++
    this.#starts++
    const { id, uid } = this.#self
    this.#start = { id, uid, number: this.#starts, incarnation }
  }

  copy(): IdentityCopy {
    return { uid: this.#self.uid, starts: this.#starts, life: this.#life }
  }

  /** Another disk lies under this name: an empty one, or a copy that was made before. */
  exchange(copy: IdentityCopy | null, incarnation: number): void {
    const { id, uid } = this.#self
    this.#impostor = {
      id,
      uid: copy === null ? `${uid}-wiped` : copy.uid,
      number: (copy?.starts ?? 0) + 1,
      incarnation,
    }
  }

  putBack(): void {
    this.#impostor = null
  }

  /** The peer's stream of this life has brought something: its start is remembered. */
  meets(peer: Identity): void {
    const { start } = peer
    if (start === null || this.#met.of(start.id) === start) return
    this.#lives.set(start.id, Math.max(this.#lives.get(start.id) ?? 0, peer.life))
    const verdict = this.#met.meet(start)
    check(
      verdict !== 'older',
      'identity',
      () =>
        `${this.#self.id} takes start ${start.number} of ${start.id} for an old copy, and it is none`,
    )
  }

  /** Has it heard of a life of that member behind this one? */
  sawLater(id: NodeId, life: number): boolean {
    return (this.#lives.get(id) ?? 0) > life
  }

  greeting(): Greeting {
    // As of now: what is heard while the greeting travels is not in it.
    return { member: this.#self, met: this.#met.all, lives: new Map(this.#lives) }
  }

  /** Why the impostor refuses to go on, once a peer of a formed cluster has greeted it. Null: it does not. */
  refusalOf(greeting: Greeting, copy: IdentityCopy | null): string | null {
    const own = this.#impostor
    if (own === null) return null
    const { member, met, lives } = greeting
    if (copy === null) {
      const ids = this.#members.map(({ id }) => id)
      // One word is enough: over Raft, where alone disks are exchanged, peers are believed.
      const formation = newFormation({ id: own.id, uid: own.uid }, ids, 1)
      const said = { formed: true, members: this.#members }
      const { type } = onHello(formation, member, said)
      check(type === 'Refuse', 'identity', () => `${member.id} lets in ${own.id} on an empty disk`)
      return 'its disk is empty, and the cluster formed with another one'
    }
    const newest = met.find(({ id, uid }) => id === own.id && uid === own.uid)
    const isOld = newest !== undefined && judgeStart(own, newest) === 'older'
    const sawLater = (lives.get(own.id) ?? 0) > copy.life
    check(
      isOld || !sawLater,
      'identity',
      () => `${member.id} met a later life of ${own.id}, and lets its old copy in`,
    )
    return isOld ? `it is an old copy: ${member.id} met start ${newest?.number}` : null
  }
}
