/** etcdctl's own minute of load, with the bounds that it sets. */
import { expect, it } from 'vitest'
import { etcdctl } from './support/etcdctl.js'
import { OURS } from './support/targets.js'

it.each(OURS)('etcdctl check perf passes on %s', { timeout: 110_000 }, async (_, start) => {
  const target = await start()
  try {
    const { code, stdout } = await etcdctl(target, ['check', 'perf', '--auto-compact'])
    expect(stdout).toContain('PASS: Throughput is')
    // Shows what it says of the slowest request and of the spread.
    expect(stdout).not.toContain('FAIL')
    expect(stdout.trim().endsWith('PASS')).toBe(true)
    expect(code).toBe(0)
  } finally {
    await target.close()
  }
})
