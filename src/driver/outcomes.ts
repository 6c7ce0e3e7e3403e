/** How a request or a read ends, and what its caller may do then (PROTOCOL 2). */
import type { NodeId } from '../consensus/ids.js'

export type SubmitOutcome =
  /** Executed, once; the state machine's answer. */
  | { readonly type: 'Answer'; readonly bytes: Uint8Array }
  /** Never appended here: go to `leader`, if known. */
  | { readonly type: 'NotLeader'; readonly leader: NodeId | null }
  /** Never appended here: back off. */
  | { readonly type: 'Overloaded'; readonly reason: string }
  /** It may have been executed, or may be later: retry only under the same session and seq. */
  | { readonly type: 'Indeterminate'; readonly reason: string }

export type ReadOutcome =
  /** The state machine has applied all that a linearizable read must see: query it now, synchronously. */
  | { readonly type: 'Ready' }
  | { readonly type: 'NotLeader'; readonly leader: NodeId | null }
  | { readonly type: 'Overloaded'; readonly reason: string }
  /** The protocol has no reads of this kind: submit a command instead. */
  | { readonly type: 'Unsupported' }
  /** Nobody confirmed it in time; nothing was changed. */
  | { readonly type: 'Indeterminate'; readonly reason: string }

export type SubmitDone = (outcome: SubmitOutcome) => void
export type ReadDone = (outcome: ReadOutcome) => void
