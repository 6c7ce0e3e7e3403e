import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')

it('what npm links as a command can be executed as it lies in the repository', () => {
  const { bin, version } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
    version: string
  }
  for (const file of Object.values(bin)) {
    expect(execFileSync(resolve(ROOT, file), ['--version'], { encoding: 'utf8' })).toContain(
      version,
    )
    // Compiled files come without the mode, whenever they are compiled anew.
    expect(file).not.toMatch(/^dist\//)
  }
})
