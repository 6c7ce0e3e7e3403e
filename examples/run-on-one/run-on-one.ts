/**
 * Work that must run on exactly one instance: each instance calls `runOnOne`, one of them works, and another takes over
 * when that one ends, dies or is cut off.
 */
import { hostname } from 'node:os'
import { ClientError, type EtcdClient } from 'quorate/client'

/** Seconds until another instance takes over from one that was cut off. */
const TAKE_OVER_S = 5

/**
 * Leads whenever nobody else does, until `stop`. `work` gets a signal: once it is aborted (the leadership may be
 * lost, or we stop) it must return, since another instance may begin.
 */
export async function runOnOne(
  client: EtcdClient,
  work: (signal: AbortSignal) => Promise<void>,
  stop: AbortSignal,
  me = `${hostname()}/${process.pid}`,
): Promise<void> {
  const election = client.election('examples/run-on-one')
  while (!stop.aborted) {
    try {
      await election.run(me, ({ signal }) => work(signal), { ttl: TAKE_OVER_S, signal: stop })
    } catch (error) {
      if (stop.aborted) return
      // No leader for longer than a call waits, or a lease that ran out while we waited: in line again.
      if (!(error instanceof ClientError)) throw error
    }
  }
}
