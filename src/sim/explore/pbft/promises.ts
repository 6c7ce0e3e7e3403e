/** What PBFT promises to those who do not lie, over what they ever said, entered and committed. */
import type { Digest, Message } from '../../../consensus/pbft/messages.js'
import type { State } from '../../../consensus/pbft/state.js'
import { type Replica, saidKey } from './replica.js'

/** A view as it began: from which index on, and what each is. */
export interface Entered {
  readonly view: number
  readonly digests: readonly Digest[]
}

export interface Facts {
  /** It said COMMIT, so it had a certificate: by view and index. */
  readonly prepared: ReadonlyMap<string, Digest>
  readonly committed: readonly {
    readonly index: number
    readonly view: number
    readonly digest: Digest
  }[]
  readonly entered: readonly Entered[]
}

/** Adds what is new; an honest replica never says the contrary of what it said, nor votes in a view that it left. */
export function checkSaid(said: Map<string, Message>, sent: readonly Message[]): string | null {
  for (const m of sent) {
    const key = saidKey(m)
    if (key === null) continue
    const before = said.get(key)
    if (before === undefined) {
      if ((m.type === 'Prepare' || m.type === 'Commit') && leftFor(said) > m.view)
        return `left view: it says ${key} after it left for view ${leftFor(said)}`
      said.set(key, m)
    } else if (contentOf(before) !== contentOf(m)) return `contradiction: it says ${key} twice`
  }
  return null
}

function leftFor(said: ReadonlyMap<string, Message>): number {
  let view = 0
  for (const m of said.values()) if (m.type === 'ViewChange') view = Math.max(view, m.view)
  return view
}

/** Of a certificate only what it proves. */
function contentOf(m: Message): string {
  switch (m.type) {
    case 'PrePrepare':
      return m.proposed.digest
    case 'Prepare':
    case 'Commit':
      return m.digest
    case 'ViewChange':
      return m.prepared.map(({ proposed: p }) => `${p.view} ${p.index} ${p.digest}`).join()
    case 'NewView':
      return m.proposals.map((p) => `${p.index} ${p.digest}`).join()
    default:
      return ''
  }
}

export function enteredBy(before: readonly Entered[], s: State): readonly Entered[] {
  if (!s.active || s.newView === null || before.at(-1)?.view === s.newView.view) return before
  const digests = s.newView.proposals.map((one) => one.digest)
  return [...before, { view: s.newView.view, digests }]
}

export function factsOf({ core, said, entered }: Replica): Facts {
  const prepared = new Map<string, Digest>()
  for (const m of said.values())
    if (m.type === 'Commit') prepared.set(`${m.view} ${m.index}`, m.digest)
  const committed: { index: number; view: number; digest: Digest }[] = []
  for (const slot of core.state.slots.values()) {
    const [first] = slot.committed ?? []
    if (first !== undefined)
      committed.push({ index: slot.index, view: first.view, digest: first.digest })
  }
  return { prepared, committed, entered }
}

/** Of two replicas, or one with itself. */
export function judge(a: Facts, b: Facts): string | null {
  for (const one of a.committed) {
    for (const other of b.committed)
      if (one.index === other.index && one.digest !== other.digest)
        return `agreement: two batches are committed at ${one.index}`
    // What was committed in a view before stands in every view behind it.
    for (const { view, digests } of b.entered)
      if (view > one.view && digests[one.index - 1] !== one.digest)
        return `survival: ${one.index} was committed in view ${one.view}, and view ${view} begins without it`
  }
  for (const [key, digest] of a.prepared)
    if ((b.prepared.get(key) ?? digest) !== digest)
      return `certificates: two batches are prepared for one view and index (${key})`
  return null
}
