/** etcdctl's own minute of load, with the bounds that it sets. */
import { expect, it } from 'vitest'
import { etcdctl } from './support/etcdctl.js'
import { startRaft } from './support/targets.js'

it('etcdctl check perf passes on three nodes on Raft', { timeout: 100_000 }, async () => {
  const target = await startRaft()
  try {
    const { code, stdout } = await etcdctl(target, ['check', 'perf', '--auto-compact'])
    expect(stdout).toContain('PASS: Throughput is')
    expect(stdout.trim().endsWith('PASS')).toBe(true)
    expect(code).toBe(0)
  } finally {
    await target.close()
  }
})
