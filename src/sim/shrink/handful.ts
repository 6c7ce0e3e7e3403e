/** A few events at once, drawn from all: what remains of a run without them. */
import { nextInt, type RandomState, shuffled } from '../../base/random.js'
import type { Happened } from '../kept.js'

/** Left out at most. */
const HANDFUL_MAX = 5

export function withoutHandful(
  { strikes, messages, operations }: Happened,
  random: RandomState,
): Happened {
  const events = strikes.length + messages.length + operations.length
  const all = Array.from({ length: events }, (_, event) => event)
  const gone = new Set(shuffled(random, all).slice(0, nextInt(random, 1, HANDFUL_MAX)))
  const kept = <T>(some: readonly T[], from: number) => some.filter((_, i) => !gone.has(from + i))
  return {
    strikes: kept(strikes, 0),
    messages: kept(messages, strikes.length),
    operations: kept(operations, strikes.length + messages.length),
  }
}
