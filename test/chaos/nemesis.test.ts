/** Whole clusters of real processes under a nemesis, and the history of what their clients saw. */
import { expect, it } from 'vitest'
import { OPERATIONS_MIN, SEED, SHARES } from './support/budget.js'
import { Nemesis } from './support/nemesis.js'
import { chaosRun, RECOVERY_MS_MAX } from './support/run.js'

let completed = 0

for (const { name, nodes, forMs } of SHARES)
  it(
    name,
    async () => {
      const counts: string[] = []
      const report = await chaosRun({
        name,
        nodes,
        seed: SEED,
        nemesis: async ({ cluster }) => {
          const nemesis = new Nemesis(cluster, {
            seed: SEED + nodes,
            forMs,
            recoveryMsMax: RECOVERY_MS_MAX,
          })
          await nemesis.run()
          counts.push(...[...nemesis.counts].sort().map(([kind, count]) => `${kind} ${count}`))
          counts.push(`recovered within ${Math.max(...nemesis.recoveries)} ms`)
        },
      })
      completed += report.completed
      console.log(
        `${name}: ${report.completed} operations completed, ${report.unknown} of unknown outcome; ${counts.join(', ')}`,
      )
    },
    forMs + 400_000,
  )

if (OPERATIONS_MIN > 0)
  it('the operations were enough to mean something', () => {
    expect(completed).toBeGreaterThanOrEqual(OPERATIONS_MIN)
  })
