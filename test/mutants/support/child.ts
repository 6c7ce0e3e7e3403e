/** A child of the runner: loads the simulator of one tree and runs the seeds that it is sent. */
import { pathToFileURL } from 'node:url'
import type { SimProtocolName } from './mutant.js'

export interface Ask {
  readonly protocol: SimProtocolName
  readonly seed: number
  readonly faultFree: boolean
}

/** What of a report of the simulator is of interest here. */
export interface Report {
  readonly seed: number
  readonly verdict: 'ok' | 'failed' | 'void'
  readonly failure: { readonly invariant: string; readonly message: string } | null
}

interface Simulator {
  readonly raftSim: object
  readonly pbftSim: object
  readonly simProtocols: { readonly [name in 'raft' | 'pbft']: { readonly forMs: number } }
  etcdApplication(options: { readonly wallClock: boolean }): object
  runSeed(options: {
    readonly sim: object
    readonly seed: number
    readonly forMs: number
    readonly adjust: (drawn: object) => object
    readonly application?: object
  }): Report
}

const [root] = process.argv.slice(2)
const index = pathToFileURL(`${root}/dist/sim/index.js`).href
const { raftSim, pbftSim, simProtocols, etcdApplication, runSeed } = (await import(
  index
)) as Simulator

/** How long faults last with etcd's machine (ms of simulated time). */
const ETCD_MS = 10_000

/** Looks at nothing. */
const blind = new Proxy({}, { get: (_, key) => (key === 'marks' ? new Map() : () => undefined) })
/**
 * Without faults the cluster is seen from outside: by its clients, its states and whether it goes on. From inside the
 * checker of the protocol would see a promise that the disk does not keep yet, though no power loss ever asks for it.
 */
const seenFromOutside = (sim: object) => ({ ...sim, newChecker: () => blind })

process.on('message', ({ protocol, seed, faultFree }: Ask) => {
  const whole = protocol === 'pbft' ? pbftSim : raftSim
  const etcd = protocol === 'raft-etcd'
  const forMs = etcd ? ETCD_MS : simProtocols[protocol].forMs
  const quiet = faultFree ? { kinds: new Set(), faultFree: true } : {}
  const adjust = (drawn: object) => ({ ...drawn, ...quiet, ...(etcd ? { hopeless: false } : {}) })
  const sim = faultFree ? seenFromOutside(whole) : whole
  const { verdict, failure } = runSeed({
    sim,
    seed,
    forMs,
    adjust,
    ...(etcd ? { application: etcdApplication({ wallClock: false }) } : {}),
  })
  const report: Report = { seed, verdict, failure }
  process.send?.(report)
})
process.once('disconnect', () => process.exit(0))
