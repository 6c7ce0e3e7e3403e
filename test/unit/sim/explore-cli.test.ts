import { describe, expect, it } from 'vitest'
import { run } from '../cli/run.js'

describe('quorate explore', () => {
  it('searches a world, tells how much of it there was, and ends with the totals', async () => {
    const { code, stdout } = await run(['explore', '--world', 'smallest'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/[0-9]+ states, [0-9]+ transitions, depth [0-9]+; the whole space/)
    expect(stdout.trim().split('\n').at(-1)).toBe('worlds-raft: 1 passed, 0 failed, 0 skipped')
  })

  it('stops where it is told to, and says that it did', async () => {
    const { code, stdout } = await run([
      'explore',
      '--world',
      'faults',
      '--states',
      '2000',
      '--json',
    ])
    expect(code).toBe(0)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({
      world: 'faults',
      verdict: 'passed',
      complete: false,
      found: null,
    })
    expect(result.states).toBeGreaterThanOrEqual(2_000)
    expect(result.open).toBeGreaterThan(0)
  })

  it('searches two worlds at once, each in a process of its own, and counts both', async () => {
    const both = ['--world', 'smallest,faults', '--states', '4000', '--jobs', '2']
    const { code, stdout } = await run(['explore', ...both])
    expect(code).toBe(0)
    expect(stdout).toContain('smallest: one election')
    expect(stdout).toContain('up to 4000 states')
    expect(stdout.trim().split('\n').at(-1)).toBe('worlds-raft: 2 passed, 0 failed, 0 skipped')
  })

  it('lists the worlds, and knows no others', async () => {
    const listed = await run(['explore', '--list'])
    expect(listed.stdout).toContain('figure-8')
    const unknown = await run(['explore', '--world', 'nosuch'])
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('expected smallest, rivals')
    expect((await run(['explore', '--protocol', 'paxos'])).code).toBe(2)
  })
})
