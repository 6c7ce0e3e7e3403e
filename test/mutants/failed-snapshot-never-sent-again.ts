import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'consensus/raft/snapshot.ts',
  find: `  Progress.becomeProbe(p, p.matchIndex + 1)
  // The next heartbeat`,
  replace: '  // The next heartbeat',
  why: 'A snapshot that failed on its way leaves the peer waiting for it for ever.',
  seed: 10,
  caughtBy: 'liveness',
  needsFaults: true,
}
