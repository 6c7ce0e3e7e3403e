import type { Mutant } from './support/mutant.js'

export const mutant: Mutant = {
  file: 'wal/writer.ts',
  find: `      if (error !== null) this.#fail(error)
      else next()
    }
  }

  /** Never again`,
  replace: `      next()
    }
  }

  /** Never again`,
  why: 'A failed write or sync is passed over, and what it lost is acknowledged.',
  seed: 1,
  caughtBy: 'recovery',
  needsFaults: true,
}
