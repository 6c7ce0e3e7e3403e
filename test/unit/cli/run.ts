import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export const MAIN = resolve(import.meta.dirname, '../../../dist/cli/main.js')

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
}

/** The built command line as a process of its own, with nothing of ours in its environment. */
export function run(
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('QUORATE_'))
  return new Promise((done) => {
    const began = performance.now()
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(inherited), ...options.env },
    })
    let stdout = ''
    let stderr = ''
    // A character may lie across two chunks.
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), 20_000)
    child.on('close', (code) => {
      clearTimeout(limit)
      done({ code, stdout, stderr, ms: performance.now() - began })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
  })
}
