/**
 * What of a run's events is carried out. Everything, unless somebody makes a failing run small: then only what is named
 * strikes or is asked. All else is drawn as before and left out.
 */

export interface Kept {
  /** By ordinal; null: all of them. */
  readonly strikes: ReadonlySet<number> | null
  /** Messages that may suffer what their link draws for them, as `messageKey` names them; null: all of them. */
  readonly messages: ReadonlySet<string> | null
  /** Operations of clients by ordinal, from 0; null: all of them. */
  readonly operations: ReadonlySet<number> | null
}

export const ALL_KEPT: Kept = { strikes: null, messages: null, operations: null }

/** What of that happened in a run. */
export interface Happened {
  readonly strikes: readonly number[]
  readonly messages: readonly string[]
  readonly operations: readonly number[]
}

/** The n-th message that was sent on a link, from 0. */
export function messageKey(
  link: { readonly from: string; readonly to: string },
  n: number,
): string {
  return `${link.from}>${link.to}#${n}`
}
