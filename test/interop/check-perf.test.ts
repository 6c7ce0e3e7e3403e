/** etcdctl's own minute of load, with the bounds that it sets. */
import { expect, it } from 'vitest'
import { etcdctl } from './support/etcdctl.js'
import { OURS, type Target } from './support/targets.js'

/**
 * Of 9,000 requests none may take half a second: a bound on the machine too, which may be kept from its work for so long once
 * in a minute. A cluster that is the cause of it is so again.
 */
const SLOWEST = 'Slowest request took too long'
const MINUTE = 70_000

it.each(OURS)('etcdctl check perf passes on %s', { timeout: 3 * MINUTE }, async (_, start) => {
  const first = await checkPerf(start)
  const { code, stdout } = first.stdout.includes(SLOWEST) ? await checkPerf(start) : first
  // Nothing excuses these, at no time.
  for (const one of [first.stdout, stdout]) {
    expect(one).toContain('PASS: Throughput is')
    expect(one).toContain('PASS: Stddev is')
  }
  // Shows what it says of the slowest request.
  expect(stdout).not.toContain('FAIL')
  expect(stdout.trim().endsWith('PASS')).toBe(true)
  expect(code).toBe(0)
})

async function checkPerf(start: () => Promise<Target>) {
  const target = await start()
  try {
    return await etcdctl(target, ['check', 'perf', '--auto-compact'])
  } finally {
    await target.close()
  }
}
