/** What the liar can compose: certificates true and false, view changes that show them or hide them, and NEW-VIEWs. */
import type {
  Digest,
  Message,
  NewView,
  Prepare,
  PreparedCertificate,
  Proposed,
  ViewChange,
} from '../../../consensus/pbft/messages.js'
import { primaryOf, quorum } from '../../../consensus/pbft/quorum.js'
import { by, isPrepare } from './alphabet.js'
import type { Setting } from './setting.js'

export interface Proofs {
  /** The same for the same proofs. */
  readonly key: string
  /** By index, from 1 on. */
  readonly good: readonly (readonly PreparedCertificate[])[]
  readonly bad: readonly PreparedCertificate[]
}

/** Of all that was said in views below `view`. */
export function certificatesOf(
  setting: Setting,
  given: { readonly view: number; readonly key: string; readonly messages: readonly Message[] },
): Proofs {
  const { ids, liar, indices, letters, nullLetter } = setting
  const { key, messages } = given
  const q = quorum(ids.length)
  const good: PreparedCertificate[][] = []
  const bad: PreparedCertificate[] = []
  for (let index = 1; index <= indices; index++) {
    const ofIndex: PreparedCertificate[] = []
    for (let view = 0; view < given.view; view++) {
      for (const { digest } of indices > 1 ? [...letters, nullLetter] : letters) {
        const slot = { view, index, digest }
        const sender = primaryOf(ids, view)
        const proposed: Proposed = { type: 'Proposed', ...slot, ...by(sender) }
        if (ids.indexOf(sender) !== liar && !wasProposed(messages, proposed)) continue
        const said = messages
          .filter(isPrepare)
          .filter((one) => one.view === view && one.index === index)
        const same = said.filter((one) => one.digest === digest && one.sender !== sender)
        const lie: Prepare = { type: 'Prepare', ...slot, ...by(ids[liar] ?? '') }
        const prepares = liar === ids.indexOf(sender) ? same : [lie, ...same]
        if (prepares.length >= q - 1) ofIndex.push({ proposed, prepares: prepares.slice(0, q - 1) })
        else bad.push(...falseProofs({ proposed, prepares, lie, others: said }, q))
      }
    }
    good.push(ofIndex)
  }
  return { key, good, bad }
}

/** Fewer signers than it takes, made to look like enough. */
function falseProofs(
  of: {
    proposed: Proposed
    prepares: readonly Prepare[]
    lie: Prepare
    others: readonly Prepare[]
  },
  q: number,
): PreparedCertificate[] {
  const { proposed, lie } = of
  const [one = lie] = of.prepares
  const votes = [lie, ...of.others.filter(({ sender }) => sender !== lie.sender)]
  const distinct = votes.filter(({ sender }) => sender !== proposed.sender)
  return [
    { proposed, prepares: Array.from({ length: q - 1 }, () => one) },
    { proposed, prepares: of.prepares },
    { proposed, prepares: distinct.slice(0, q - 1) },
  ]
}

function wasProposed(messages: readonly Message[], wanted: Proposed): boolean {
  const is = (one: Proposed) =>
    one.view === wanted.view && one.index === wanted.index && one.digest === wanted.digest
  return messages.some(
    (m) =>
      (m.type === 'PrePrepare' && is(m.proposed)) || (m.type === 'NewView' && m.proposals.some(is)),
  )
}

/** It shows any of what is proved, or nothing; or a false proof. */
export function viewChangesOf(setting: Setting, view: number, proofs: Proofs): ViewChange[] {
  let shown: PreparedCertificate[][] = [[]]
  for (const ofIndex of proofs.good)
    shown = shown.flatMap((before) => [before, ...ofIndex.map((one) => [...before, one])])
  const bad = proofs.bad.map((one) => [one])
  return [...shown, ...bad].map((prepared) => ({
    type: 'ViewChange',
    view,
    stable: 0,
    checkpoints: [],
    prepared,
    ...by(setting.ids[setting.liar] ?? ''),
  }))
}

/** Any enough view changes, and too few, and one as often as it takes; each with every list of proposals. */
export function newViewsOf(
  setting: Setting,
  view: number,
  { real, lies }: { readonly real: readonly ViewChange[]; readonly lies: readonly ViewChange[] },
): NewView[] {
  const q = quorum(setting.ids.length)
  const sets: ViewChange[][] = []
  for (const honest of subsets(real))
    for (const own of [null, ...lies]) {
      const all = own === null ? honest : [...honest, own]
      if (all.length >= q - 1) sets.push(all)
    }
  for (const one of [...real, ...lies]) sets.push(Array.from({ length: q }, () => one))
  const sender = setting.ids[setting.liar] ?? ''
  return sets.flatMap((set) => {
    const viewChanges = [...set].sort((a, b) => (a.sender < b.sender ? -1 : 1))
    return proposalsOf(setting).map((digests): NewView => {
      const proposals = digests.map(
        (digest, i): Proposed => ({ type: 'Proposed', view, index: i + 1, digest, ...by(sender) }),
      )
      return { type: 'NewView', view, viewChanges, proposals, ...by(sender) }
    })
  })
}

function proposalsOf({ letters, nullLetter, indices }: Setting): Digest[][] {
  const digests = [...letters, nullLetter].map((one) => one.digest)
  let last: Digest[][] = [[]]
  const all: Digest[][] = [[]]
  for (let index = 1; index <= indices; index++) {
    last = last.flatMap((before) => digests.map((digest) => [...before, digest]))
    all.push(...last)
  }
  return all
}

function subsets<T>(items: readonly T[]): T[][] {
  let all: T[][] = [[]]
  for (const item of items) all = all.flatMap((set) => [set, [...set, item]])
  return all
}
