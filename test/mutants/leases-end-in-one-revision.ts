import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  protocol: 'raft-etcd',
  file: 'machine/kv/lease-commands.ts',
  find: `    end(store, lease)
    store.commit()
`,
  replace: `    end(store, lease)
`,
  why: 'Leases that end together end in one revision, or in that of the command behind them.',
  seed: 4,
  caughtBy: 'state-hash',
  needsFaults: false,
}
