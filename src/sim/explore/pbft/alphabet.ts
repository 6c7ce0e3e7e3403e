/**
 * All that a replica can be told: what honest ones said, at any time and any number of times, and what the liar can
 * compose of it. A liar signs whatever it likes in its own name; of others it has only what they said.
 */
import { assert, present } from '../../../base/assert.js'
import { EMPTY } from '../../../base/bytes.js'
import type { NodeId } from '../../../consensus/ids.js'
import type {
  Commit,
  Message,
  PrePrepare,
  Prepare,
  Proposed,
  SlotId,
  ViewChange,
} from '../../../consensus/pbft/messages.js'
import { primaryOf, quorum } from '../../../consensus/pbft/quorum.js'
import { Interned } from '../interned.js'
import { encodePlain } from '../plain.js'
import { certificatesOf, newViewsOf, viewChangesOf } from './lies.js'
import type { Setting } from './setting.js'
import { wordsOf } from './words.js'

/** Told at one go: votes count for something only when there are enough of them. */
export interface Telling {
  readonly number: number
  readonly from: NodeId
  readonly messages: readonly Message[]
  /** It brings the second batch in: see worlds.ts. */
  readonly second: boolean
}

export interface Group {
  readonly number: number
  readonly tellings: readonly Telling[]
}

/** Of one replica: which message it said, by its key. The liar has none: it may say anything. */
export type Said = ReadonlyMap<string, number>

const NONE_SHARED: ReadonlySet<object> = new Set()

export class Alphabet {
  readonly #setting: Setting
  readonly #messages = new Interned<Message>()
  /** Of messages that were numbered before: each is told in many combinations, and never changed. */
  readonly #numbers = new WeakMap<Message, number>()
  readonly #viewChangeTexts = new Interned<ViewChange>()
  readonly #viewChangeNumbers = new WeakMap<ViewChange, number>()
  readonly #tellings = new Interned<Telling>()
  readonly #groups = new Map<string, Group>()
  readonly #proofs = new Map<string, ReturnType<typeof certificatesOf>>()

  constructor(setting: Setting) {
    this.#setting = setting
  }

  get size(): number {
    return this.#tellings.size
  }

  numberOf(message: Message): number {
    const known = this.#numbers.get(message)
    if (known !== undefined) return known
    const number = this.#messages.number(this.#textOf(message), () => message)
    this.#numbers.set(message, number)
    return number
  }

  /** A new view by the numbers of its view changes: the same few, in thousands of choices. */
  #textOf(message: Message): string {
    if (message.type !== 'NewView') return encodePlain(message, NONE_SHARED)
    const viewChanges = message.viewChanges.map((one) => this.#viewChangeNumber(one))
    return encodePlain({ ...message, viewChanges }, NONE_SHARED)
  }

  #viewChangeNumber(message: ViewChange): number {
    const known = this.#viewChangeNumbers.get(message)
    if (known !== undefined) return known
    const number = this.#viewChangeTexts.number(encodePlain(message, NONE_SHARED), () => message)
    this.#viewChangeNumbers.set(message, number)
    return number
  }

  message(number: number): Message {
    return this.#messages.at(number)
  }

  telling(number: number): Telling {
    return this.#tellings.at(number)
  }

  /** What the replica at `at` can be told now. `said`: by place. */
  groupsFor(at: number, said: readonly Said[]): readonly Group[] {
    const { views, indices } = this.#setting
    const groups: Group[] = []
    for (let index = 1; index <= indices; index++) {
      groups.push(this.#bodies(index))
      for (let view = 0; view < views; view++) {
        groups.push(this.#saidByPrimary(at, 'PrePrepare', { view, index }, said))
        groups.push(this.#lyingPrePrepares({ view, index }))
        groups.push(this.#votes(at, 'Prepare', { view, index }, said))
        groups.push(this.#votes(at, 'Commit', { view, index }, said))
        groups.push(this.#committedBatches({ view, index }, said))
      }
    }
    for (let view = 1; view < views; view++) {
      groups.push(this.#viewChanges(at, view, said))
      groups.push(this.#saidByPrimary(at, 'NewView', { view }, said))
      groups.push(this.#lyingNewViews(view, said))
    }
    return groups
  }

  /** Whoever wants a batch can have it. */
  #bodies(index: number): Group {
    return this.#group(`bodies ${index}`, () =>
      this.#setting.letters.flatMap(({ batch }) =>
        batch === null ? [] : [[{ type: 'FetchedBatch', index, batch }]],
      ),
    )
  }

  /** Also where another is the primary. Each with its own batch, and with another's. */
  #lyingPrePrepares(slot: Omit<SlotId, 'digest'>): Group {
    const { letters, nullLetter, ids, liar } = this.#setting
    return this.#group(`PrePrepare ${slot.view} ${slot.index}`, () =>
      [...letters, nullLetter].flatMap(({ digest }) =>
        [...letters, nullLetter].map(({ batch }): Message[] => {
          const proposed: Proposed = { type: 'Proposed', ...slot, digest, ...by(ids[liar] ?? '') }
          return [{ type: 'PrePrepare', proposed, batch }]
        }),
      ),
    )
  }

  /** Every choice of who votes for what. */
  #votes(
    at: number,
    type: 'Prepare' | 'Commit',
    slot: Omit<SlotId, 'digest'>,
    said: readonly Said[],
  ): Group {
    const { ids, liar } = this.#setting
    const key = `${type} ${slot.view} ${slot.index}`
    const heard = ids.map((_, place) => (place === at ? 0 : (said[place]?.get(key) ?? 0)))
    return this.#group(`${key}: ${at === liar ? '' : heard.join()}`, () => {
      let choices: Message[][] = [[]]
      for (const [place, sender] of ids.entries()) {
        if (place === at) continue
        const options =
          place === liar ? this.#liesOf(type, slot, sender) : this.#heard(heard[place])
        choices = choices.flatMap((chosen) => [chosen, ...options.map((one) => [...chosen, one])])
      }
      return choices.filter((chosen) => chosen.length > 0)
    })
  }

  #liesOf(type: 'Prepare' | 'Commit', slot: Omit<SlotId, 'digest'>, sender: NodeId): Message[] {
    return this.#digests().map((digest) => ({ type, ...slot, digest, ...by(sender) }))
  }

  /** The null batch stands only below another. */
  #digests(): string[] {
    const { letters, nullLetter, indices } = this.#setting
    const all = indices > 1 ? [...letters, nullLetter] : letters
    return all.map(({ digest }) => digest)
  }

  /** Q commits with their batch; and what is no such proof. */
  #committedBatches(slot: Omit<SlotId, 'digest'>, said: readonly Said[]): Group {
    const { ids, liar } = this.#setting
    const letters = [...this.#setting.letters, this.#setting.nullLetter]
    const key = `Commit ${slot.view} ${slot.index}`
    const heard = ids.map((_, place) => said[place]?.get(key) ?? 0)
    return this.#group(`CommittedBatch ${slot.view} ${slot.index}: ${heard.join()}`, () => {
      const q = quorum(ids.length)
      const real = heard.flatMap((number) => this.#heard(number)).filter(isCommit)
      return this.#digests().flatMap((digest) => {
        const lie: Commit = { type: 'Commit', ...slot, digest, ...by(ids[liar] ?? '') }
        const commits = [...(liar < 0 ? [] : [lie]), ...real]
        const same = commits.filter((one) => one.digest === digest)
        const [one] = same
        if (one === undefined) return []
        const claims = [same.slice(0, q), Array.from({ length: q }, () => one), commits.slice(0, q)]
        return claims.flatMap((commits) =>
          letters.map(({ batch }): Message[] => [{ type: 'CommittedBatch', commits, batch }]),
        )
      })
    })
  }

  /** One or two at a time: with the replica's own, two are enough for all that they bring about. */
  #viewChanges(at: number, view: number, said: readonly Said[]): Group {
    const { ids, liar } = this.#setting
    const key = `ViewChange ${view}`
    const heard = ids.map((_, place) => (place === at ? 0 : (said[place]?.get(key) ?? 0)))
    const proofs = liar < 0 ? null : this.#proofsBelow(view, said)
    return this.#group(`${key}: ${heard.join()} | ${proofs?.key ?? ''}`, () => {
      const lies = proofs === null ? [] : viewChangesOf(this.#setting, view, proofs)
      const bySender = ids.map((_, place) =>
        place === liar ? [...lies] : this.#heard(heard[place]),
      )
      const ones = bySender.flat()
      const pairs = bySender.flatMap((mine, i) =>
        bySender
          .slice(i + 1)
          .flatMap((theirs) => mine.flatMap((a) => theirs.flat().map((b) => [a, b]))),
      )
      return [...ones.map((one) => [one]), ...pairs]
    })
  }

  #lyingNewViews(view: number, said: readonly Said[]): Group {
    const key = `ViewChange ${view}`
    const heard = said.map((one) => one.get(key) ?? 0)
    const proofs = this.#proofsBelow(view, said)
    return this.#group(`NewView ${view}: ${heard.join()} | ${proofs.key}`, () => {
      const real = heard
        .flatMap((number) => this.#heard(number))
        .filter((m) => m.type === 'ViewChange')
      const lies = viewChangesOf(this.#setting, view, proofs)
      return newViewsOf(this.#setting, view, { real, lies }).map((one) => [one])
    })
  }

  #proofsBelow(view: number, said: readonly Said[]): ReturnType<typeof certificatesOf> {
    const heard: number[] = []
    for (const one of said)
      for (const [key, number] of one) if (isProof(key, view)) heard.push(number)
    const key = `${view}: ${heard.sort((a, b) => a - b).join()}`
    const known = this.#proofs.get(key)
    if (known !== undefined) return known
    const messages = heard.map((number) => this.message(number))
    const proofs = certificatesOf(this.#setting, { view, key, messages })
    this.#proofs.set(key, proofs)
    return proofs
  }

  /** What the primary of a view said as such, if it does not lie. */
  #saidByPrimary(
    at: number,
    type: 'PrePrepare' | 'NewView',
    of: { readonly view: number; readonly index?: number },
    said: readonly Said[],
  ): Group {
    const { ids, liar } = this.#setting
    const place = ids.indexOf(primaryOf(ids, of.view))
    const key = of.index === undefined ? `${type} ${of.view}` : `${type} ${of.view} ${of.index}`
    const number = place === at || place === liar ? 0 : (said[place]?.get(key) ?? 0)
    return this.#group(`said ${number}`, () => this.#heard(number).map((one) => [one]))
  }

  #heard(number: number | undefined): Message[] {
    return number === undefined || number === 0 ? [] : [this.message(number)]
  }

  #group(key: string, make: () => readonly (readonly Message[])[]): Group {
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const tellings = make().map((messages) => this.#telling(messages))
    const group = { number: this.#groups.size, tellings }
    this.#groups.set(key, group)
    return group
  }

  #telling(messages: readonly Message[]): Telling {
    const text = messages.map((one) => this.numberOf(one)).join()
    const number = this.#tellings.size + 1
    const [first] = messages
    const from = (first === undefined ? null : senderOf(first)) ?? this.#setting.ids[0] ?? ''
    const known = this.#tellings.number(text, () => {
      const second = first?.type === 'PrePrepare' && isOf(first, this.#setting)
      return { number, from, messages, second }
    })
    return this.telling(known)
  }

  describe(telling: Telling): string {
    return wordsOf(this.#setting, telling.messages)
  }
}

export function by(sender: NodeId): { sender: NodeId; epoch: number; signature: Uint8Array } {
  assert(sender !== '', 'somebody signs')
  return { sender, epoch: 0, signature: EMPTY }
}

function isOf(m: PrePrepare, { letters }: Setting): boolean {
  return m.proposed.digest === present(letters[1]).digest
}

function isCommit(m: Message): m is Commit {
  return m.type === 'Commit'
}

export function isPrepare(m: Message): m is Prepare {
  return m.type === 'Prepare'
}

function senderOf(m: Message): NodeId | null {
  if (m.type === 'PrePrepare') return m.proposed.sender
  return 'sender' in m ? m.sender : null
}

/** What certificates of views below this one are made of. */
function isProof(key: string, view: number): boolean {
  const [kind, of] = key.split(' ')
  return (kind === 'PrePrepare' || kind === 'Prepare' || kind === 'NewView') && Number(of) < view
}
