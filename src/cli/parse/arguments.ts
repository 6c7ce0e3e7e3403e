/**
 * Arguments as etcdctl's users write them, in the forms that commander knows: `--prefix=true`, `-w=json`, flags ahead of
 * the verb, and those of `lock` behind the lock's name. What follows `--`, or the command that `lock` runs, is left alone.
 */
import type { Command, Option } from 'commander'
import { usageError } from '../errors.js'

/** As Go reads booleans. */
const TRUE = new Set(['1', 't', 'T', 'true', 'True', 'TRUE'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'False', 'FALSE'])
/** Those that may stand ahead of the verb, and whether a value follows them. */
const GLOBAL: ReadonlyMap<string, boolean> = new Map([
  ['--endpoints', true],
  ['--command-timeout', true],
  ['--dial-timeout', true],
  ['-w', true],
  ['--write-out', true],
  ['--cluster-file', true],
  ['--key', true],
  ['--hex', false],
])
/** Its second operand is a command with arguments of its own. */
const RUNS = 'lock'

/** Throws a usage error for a boolean that is none. `args`: without the program's own name. */
export function plainArguments(program: Command, args: readonly string[]): string[] {
  const { verb, flags, rest } = parted(program, args)
  const leaf = verb.reduce<Command>((at, name) => subcommand(at, name) ?? at, program)
  return [...verb, ...plain(leaf, [...flags, ...rest])]
}

interface Parted {
  /** The names down to the command that is meant; none: commander says what it thinks of that. */
  readonly verb: readonly string[]
  /** Found ahead of its name. */
  readonly flags: readonly string[]
  readonly rest: readonly string[]
}

function parted(program: Command, args: readonly string[]): Parted {
  const verb: string[] = []
  const flags: string[] = []
  let at = program
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? ''
    const next = subcommand(at, word)
    const withValue = GLOBAL.get(word.split('=', 1)[0] ?? '')
    if (next !== null) {
      verb.push(word)
      at = next
      if (at.commands.length === 0) return { verb, flags, rest: args.slice(i + 1) }
    } else if (withValue === undefined) {
      break
    } else {
      const count = withValue && !word.includes('=') ? 2 : 1
      flags.push(...args.slice(i, i + count))
      i += count - 1
    }
  }
  return { verb: [], flags: [], rest: args }
}

function subcommand(command: Command, name: string): Command | null {
  return command.commands.find((one) => one.name() === name) ?? null
}

function plain(leaf: Command, words: readonly string[]): string[] {
  const out: string[] = []
  /** Of `lock`, the name, which commander wants behind its flags. */
  const operands: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    const isFlag = word.startsWith('-') && word !== '-'
    const isCommand = leaf.name() === RUNS && !isFlag && operands.length === 1
    if (word === '--' || isCommand) return [...out, ...operands, ...words.slice(i)]
    if (!isFlag) {
      if (leaf.name() === RUNS) operands.push(word)
      else out.push(word)
      continue
    }
    const option = leaf.options.find((one) => names(one, word))
    out.push(...(option === undefined ? [word] : spelt(option, word)))
    if (option?.required === true && !word.includes('=') && i + 1 < words.length)
      out.push(words[++i] ?? '')
  }
  return [...out, ...operands]
}

function names({ short, long }: Option, word: string): boolean {
  const name = word.split('=', 1)[0]
  return name === short || name === long
}

function spelt(option: Option, word: string): string[] {
  const at = word.indexOf('=')
  if (at < 0) return [word]
  const name = word.slice(0, at)
  const value = word.slice(at + 1)
  if (!option.isBoolean()) return name.startsWith('--') ? [word] : [name, value]
  if (TRUE.has(value)) return [name]
  if (FALSE.has(value)) return []
  throw usageError(`${name}: expected true or false, got ${JSON.stringify(value)}`)
}
