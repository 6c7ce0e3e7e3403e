/**
 * Generators that belong to one purpose of one seed. What one of them draws, and how often, shifts no other: so a
 * fault can be left out of a run and all the rest is drawn as before.
 */
import { nextUint32, type RandomState, seededRandom } from '../base/random.js'

/** What a generator is for; the numbers are part of every seed's history. */
export const STREAM = {
  strikeTimes: 1,
  strike: 2,
  link: 3,
  atlas: 4,
  lies: 5,
  quorum: 16,
  load: 17,
  fit: 18,
  liars: 19,
} as const

export type Stream = (typeof STREAM)[keyof typeof STREAM]

/** `part` tells streams of one purpose apart: which strike, which link. */
export function streamOf(seed: number, stream: Stream, part = 0): RandomState {
  const state = seededRandom(seed)
  state.a ^= Math.imul(stream, 0x9e3779b1)
  state.b ^= Math.imul(part + 1, 0x85ebca6b)
  for (let i = 0; i < 12; i++) nextUint32(state)
  return state
}

/** The `part`-th number that follows from one draw: many decisions about one message for the price of one. */
export function derived(draw: number, part: number): number {
  let h = (draw + Math.imul(part, 0x9e3779b9)) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The same for a name, so that streams can be told apart by it. */
export function partOf(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h >>> 0
}
