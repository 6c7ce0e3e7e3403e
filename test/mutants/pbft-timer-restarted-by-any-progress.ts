import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'pbft',
  file: 'consensus/pbft/requests.ts',
  find: `  s.waiting.delete(key)
  s.primary?.`,
  replace: `  s.waiting.delete(key)
  for (const other of s.waiting.values()) other.elapsed = 0
  s.primary?.`,
  why: 'Any progress restarts the timer, so that a primary can starve one client for ever.',
  seed: 3,
  caughtBy: 'oldest-request',
  needsFaults: true,
}
