/**
 * Runs the tests that mutants must fail against the sources as they are and against each mutant. The bug is planted
 * where vitest reads the file: one server, started once, reads all else once.
 */
import { join } from 'node:path'
import { createVitest, type TestRunResult, type Vitest } from 'vitest/node'
import type { Killer } from './killers.js'
import { mutated, type Named } from './mutant.js'

const TEST_MS_MAX = 10_000

export interface KillerVerdict {
  readonly killer: Killer
  /** The test passes without the mutant and fails with it. */
  readonly killed: boolean
  readonly line: string
}

/** In the order of `killers`. */
export async function runKillerTests(
  repository: string,
  killers: readonly Killer[],
  mutants: readonly Named[],
): Promise<KillerVerdict[]> {
  const bed = new TestBed(repository)
  const vitest = await bed.start()
  try {
    const verdicts: KillerVerdict[] = []
    for (const killer of killers) {
      const mutant = mutants.find(({ name }) => name === killer.mutant)
      if (mutant === undefined) throw new Error(`no such mutant: ${killer.mutant}`)
      const sane = await bed.run(killer, null)
      const bent = await bed.run(killer, mutant)
      verdicts.push(verdictOf(killer, sane, bent))
    }
    return verdicts
  } finally {
    await vitest.close()
  }
}

interface TestOutcome {
  readonly passed: number
  readonly failed: number
  /** The file could not be loaded, or something else than a test failed. */
  readonly broken: string | null
  /** Of the first failure. */
  readonly message: string
}

/** Of this killer's file alone: vitest tells those of earlier runs as well. */
function outcomeOf(of: TestRunResult, path: string): TestOutcome {
  let [passed, failed, message] = [0, 0, '']
  const modules = of.testModules.filter(({ moduleId }) => moduleId === path)
  const broken = [...of.unhandledErrors, ...modules.flatMap((one) => one.errors())]
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed++
      if (result.state !== 'failed') continue
      failed++
      message ||= result.errors[0]?.message.split('\n')[0] ?? ''
    }
  }
  return { passed, failed, message, broken: broken.length === 0 ? null : String(broken[0]) }
}

function verdictOf(killer: Killer, sane: TestOutcome, bent: TestOutcome): KillerVerdict {
  const broken = sane.broken ?? bent.broken
  if (broken !== null) return { killer, killed: false, line: `the test does not run: ${broken}` }
  if (sane.failed > 0) return { killer, killed: false, line: `it fails anyway: ${sane.message}` }
  if (sane.passed === 0) return { killer, killed: false, line: 'there is no such test' }
  if (bent.failed === 0) return { killer, killed: false, line: 'the mutant passes' }
  return { killer, killed: true, line: bent.message }
}

class TestBed {
  readonly #repository: string
  #planted: Named | null = null
  #vitest: Vitest | null = null

  constructor(repository: string) {
    this.#repository = repository
  }

  async start(): Promise<Vitest> {
    const options = {
      config: false as const,
      root: this.#repository,
      watch: false,
      reporters: [{}],
      pool: 'threads' as const,
      maxWorkers: 1,
      testTimeout: TEST_MS_MAX,
      include: ['test/unit/**/*.test.ts'],
      deps: { interopDefault: false },
    }
    const plugin = {
      name: 'planted-bug',
      enforce: 'pre' as const,
      transform: (code: string, id: string) => {
        const bug = this.#planted
        if (bug === null || id.split('?')[0] !== this.#source(bug)) return null
        return mutated(code, bug)
      },
    }
    this.#vitest = await createVitest('test', options, { plugins: [plugin] })
    return this.#vitest
  }

  async run(killer: Killer, bug: Named | null): Promise<TestOutcome> {
    const vitest = this.#vitest
    if (vitest === null) throw new Error('not started')
    for (const one of [this.#planted, bug])
      if (one !== null) vitest.invalidateFile(this.#source(one))
    this.#planted = bug
    const path = join(this.#repository, 'test', 'unit', killer.file)
    const testNamePattern = new RegExp(escaped(killer.test))
    const one = vitest.getRootProject().createSpecification(path, { testNamePattern })
    return outcomeOf(await vitest.runTestSpecifications([one]), path)
  }

  #source(bug: Named): string {
    return join(this.#repository, 'src', bug.file)
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
