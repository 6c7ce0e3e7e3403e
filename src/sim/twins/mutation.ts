/**
 * Small-scope mutations: in one round all that the compromised replica says of one kind is changed on its way by a
 * little, and signed anew with its key: a view or an index off by one, or what it said of that kind before, again.
 */
import { signedBytes } from '../../consensus/pbft/encoding.js'
import type { Message, Proposed, SlotId, Statement } from '../../consensus/pbft/messages.js'
import { fakeKeys } from '../../crypto/fake.js'

export const CLUSTER_ID = 'twins'
const KINDS = ['PrePrepare', 'Prepare', 'Commit', 'ViewChange'] as const
const CHANGES = ['view+1', 'view-1', 'index+1', 'index-1', 'older'] as const
const ROUNDS = 4

export interface Mutation {
  readonly kind: (typeof KINDS)[number]
  readonly change: (typeof CHANGES)[number]
  readonly round: number
}

export const MUTATIONS: readonly Mutation[] = KINDS.flatMap((kind) =>
  CHANGES.flatMap((change) =>
    kind === 'ViewChange' && change.startsWith('index')
      ? []
      : Array.from({ length: ROUNDS }, (_, round) => ({ kind, change, round })),
  ),
)

export function textOf({ kind, change, round }: Mutation): string {
  return `${kind}.${change}@${round}`
}

/** Undefined: there is no such mutation. */
export function mutationOf(text: string): Mutation | undefined {
  return MUTATIONS.find((one) => textOf(one) === text)
}

/** `before`: the last of its kind that it said with another content; itself when there is none. */
export function mutated(m: Message, { change }: Mutation, before: Message | null): Message {
  if (change === 'older') return before ?? m
  const shift = change.endsWith('+1') ? 1 : -1
  const field = change.startsWith('view') ? 'view' : 'index'
  switch (m.type) {
    case 'PrePrepare':
      return { ...m, proposed: resigned(shifted(m.proposed, field, shift)) }
    case 'Prepare':
    case 'Commit':
      return resigned(shifted(m, field, shift))
    case 'ViewChange':
      return resigned({ ...m, view: Math.max(0, m.view + shift) })
    default:
      return m
  }
}

function shifted<S extends SlotId & Statement>(s: S, field: 'view' | 'index', by: number): S {
  return { ...s, [field]: Math.max(0, s[field] + by) }
}

function resigned<S extends Exclude<Statement, Proposed> | Proposed>(s: S): S {
  const signature = fakeKeys(s.sender).sign(signedBytes(CLUSTER_ID, s))
  return { ...s, signature }
}
