/** What went into a core and what came out, as plain data: for golden traces and hashes of a run. */
import { toHex } from '../base/bytes.js'
import type { Effect, Input } from '../consensus/contract.js'

export interface Trace<M, R> {
  input(input: Input<M>): void
  effect(effect: Effect<M, R>): void
}

/** One line of JSON each: `> ` before an input, `< ` before an effect; bytes are hex, keys in order of writing. */
export function lineTrace<M, R>(write: (line: string) => void): Trace<M, R> {
  return {
    input: (input) => write(`> ${plainJson(input)}`),
    effect: (effect) => write(`< ${plainJson(effect)}`),
  }
}

export function plainJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (item instanceof Uint8Array) return toHex(item)
    if (item instanceof Map) return Object.fromEntries(item)
    return item
  })
}
