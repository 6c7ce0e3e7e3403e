/**
 * The text of a scenario: lines that start with `#` are prose, commands follow, and after `----` comes what they lead
 * to, up to an empty line. Every block goes on where the one before it ended.
 */

interface Block {
  readonly prose: readonly string[]
  readonly commands: readonly string[]
}

/** Where a scenario plays. `lines` is its trace, emptied as it is read; `quiet` leaves the messages out of it. */
export interface Stage {
  readonly lines: string[]
  quiet: boolean
}

export interface Language<C extends Stage> {
  /** What follows the word `cluster`. */
  open(words: readonly string[]): C
  readonly commands: { readonly [name: string]: (stage: C, args: readonly string[]) => void }
}

/** The same scenario with the trace that the code gives now. */
export function rerunIn<C extends Stage>(text: string, language: Language<C>): string {
  const run = new Run(language)
  const parts = parse(text).map((block) => {
    const lines = [...block.prose]
    if (block.commands.length > 0) {
      const trace = run.block(block.commands)
      lines.push(...block.commands, '----', ...(trace.length > 0 ? trace : ['(nothing)']))
    }
    return lines.join('\n')
  })
  return `${parts.join('\n\n')}\n`
}

function parse(text: string): Block[] {
  const blocks: Block[] = []
  for (const part of text.split(/\n{2,}/)) {
    const lines = part.split('\n').filter((line) => line.trim() !== '')
    if (lines.length === 0) continue
    const split = lines.indexOf('----')
    const above = split < 0 ? lines : lines.slice(0, split)
    blocks.push({
      prose: above.filter((line) => line.startsWith('#')),
      commands: above.filter((line) => !line.startsWith('#')),
    })
  }
  return blocks
}

class Run<C extends Stage> {
  readonly #language: Language<C>
  #stage: C | null = null

  constructor(language: Language<C>) {
    this.#language = language
  }

  /** With more than one command each is told before what it led to. */
  block(commands: readonly string[]): string[] {
    const trace: string[] = []
    for (const command of commands) {
      if (commands.length > 1) trace.push(`> ${command}`)
      try {
        this.#run(command)
      } catch (error) {
        throw new Error(`${command}: ${String(error)}\n${this.#stage?.lines.join('\n')}`)
      }
      trace.push(...(this.#stage?.lines.splice(0) ?? []))
    }
    return trace
  }

  #run(command: string): void {
    const words = command.trim().split(/\s+/)
    if (words[0] === 'cluster') {
      this.#stage = this.#language.open(words.slice(1))
      return
    }
    const stage = this.#stage
    if (stage === null) throw new Error('a scenario begins with `cluster`')
    stage.quiet = words[0] === 'quietly'
    if (stage.quiet) words.shift()
    const [name = '', ...args] = words
    const run = this.#language.commands[name]
    if (run === undefined) throw new Error(`there is no command ${name}`)
    run(stage, args)
    stage.quiet = false
  }
}

/** `option=value` among the words, for options that there are. */
export function optionsIn(words: readonly string[], known: object): { [name: string]: number } {
  const options: { [name: string]: number } = {}
  for (const word of words) {
    const [key = '', value] = word.split('=')
    if (value === undefined) continue
    if (!(key in known)) throw new Error(`there is no option ${key}`)
    options[key] = wholeNumber(value)
  }
  return options
}

export function wholeNumber(text: string | undefined): number {
  if (text === undefined || !/^\d+$/.test(text)) throw new Error(`${text} is no number`)
  return Number(text)
}
