/** Runs Debian's etcdctl, and makes what two clusters print comparable. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Target } from './targets.js'

const LIMIT_MS = 90_000

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export async function etcdctl(target: Target, args: readonly string[], input = ''): Promise<Ran> {
  const running = startEtcdctl(target, args)
  running.child.stdin?.end(input)
  return await running.ended
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
  /** Resolves once so many lines are there; rejects when it ends before. */
  lines(count: number): Promise<readonly string[]>
}

export function startEtcdctl(target: Target, args: readonly string[]): Running {
  return startProgram('etcdctl', [`--endpoints=${target.endpoints.join(',')}`, ...args])
}

export function startProgram(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ETCDCTL_API: '3' },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
    child.emit('told')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin.on('error', () => {})
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  const ended = once(child, 'close').then(() => {
    clearTimeout(limit)
    return { code: child.exitCode, stdout, stderr }
  })
  const lines = async (count: number) => {
    for (;;) {
      const all = stdout.split('\n').slice(0, -1)
      if (all.length >= count) return all
      const ran = await Promise.race([once(child, 'told').then(() => null), ended])
      if (ran !== null && stdout.split('\n').length <= count)
        throw new Error(`${program} ${args.join(' ')} ended: ${JSON.stringify(ran)}`)
    }
  }
  return { child, ended, lines }
}

/**
 * Without what is another cluster's own: ids, the term, who answered. Log lines are left out, since they hold
 * addresses; the `Error:` line stays.
 */
export function normalised(ran: Ran): Ran {
  return { code: ran.code, stdout: plain(ran.stdout), stderr: plain(ran.stderr) }
}

function plain(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('{"level"'))
    .join('\n')
    .replace(/,"raft_term":\d+/g, '')
    .replace(/"(cluster_id|member_id|ID|id|lease)":\d+/g, '"$1":#')
    .replace(/"(ClusterID|MemberID|RaftTerm|ID|Lease)" : \d+/g, '"$1" : #')
    .replace(/\b[0-9a-f]{15,16}\b/g, '#')
    .replace(/\b127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/remaining\(\d+s\)/g, 'remaining(#)')
    .replace(/"ttl":\d+/g, '"ttl":#')
    .replace(/"TTL" : \d+/g, '"TTL" : #')
}
