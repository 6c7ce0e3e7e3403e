/**
 * A seeded integer generator (sfc32) whose state is plain data, so that it can live inside a protocol's
 * state: same seed, same draws, in production, simulator and browser.
 */
export interface RandomState {
  a: number
  b: number
  c: number
  counter: number
}

/** From any safe integer. Seeds that differ in one bit give unrelated streams. */
export function seededRandom(seed: number): RandomState {
  const state: RandomState = {
    a: (seed % 0x1_0000_0000) | 0,
    b: Math.floor(seed / 0x1_0000_0000) | 0,
    c: 0x9e3779b9 | 0,
    counter: 1,
  }
  for (let i = 0; i < 15; i++) nextUint32(state)
  return state
}

/** Uniform over 0 to 2^32-1; advances the state. */
export function nextUint32(state: RandomState): number {
  const sum = (((state.a + state.b) | 0) + state.counter) | 0
  state.counter = (state.counter + 1) | 0
  state.a = state.b ^ (state.b >>> 9)
  state.b = (state.c + (state.c << 3)) | 0
  state.c = ((state.c << 21) | (state.c >>> 11)) + sum
  state.c |= 0
  return sum >>> 0
}

/** A whole number in [min, max], uniform up to a bias below 2^-20 for ranges under 2^12. */
export function nextInt(state: RandomState, min: number, max: number): number {
  return min + Math.floor((nextUint32(state) / 0x1_0000_0000) * (max - min + 1))
}

/** True with probability `p`. */
export function chance(state: RandomState, p: number): boolean {
  return nextUint32(state) / 0x1_0000_0000 < p
}

/** One element of a list that is not empty. */
export function pick<T>(state: RandomState, items: readonly T[]): T {
  return items[nextInt(state, 0, items.length - 1)] as T
}

/** A shuffled copy (Fisher and Yates). */
export function shuffled<T>(state: RandomState, items: readonly T[]): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = nextInt(state, 0, i)
    const held = out[i] as T
    out[i] = out[j] as T
    out[j] = held
  }
  return out
}
