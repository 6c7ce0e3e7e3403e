/**
 * The newest starts that this node met of its peers, beside the log. Written before a message of such a start is
 * taken, and so in the handshake itself: a peer's start is rare, and one small sync then is nothing.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Start, StartsMet, type StartVerdict } from '../driver/starts.js'
import { dataRefused, diskFailed } from './errors.js'

const FILE = 'peers.json'
const FORMAT = 1

export class StartsFile {
  readonly #folder: string
  readonly #met: StartsMet

  private constructor(folder: string, met: StartsMet) {
    this.#folder = folder
    this.#met = met
  }

  /** Throws NodeError when the file is there and not what was written. */
  static open(folder: string): StartsFile {
    return new StartsFile(folder, new StartsMet(read(join(folder, FILE))))
  }

  get all(): readonly Start[] {
    return this.#met.all
  }

  /** On disk when it returns 'newer'. Throws NodeError when the disk fails. */
  meet(start: Start): StartVerdict {
    const verdict = this.#met.meet(start)
    if (verdict === 'newer') this.#write()
    return verdict
  }

  #write(): void {
    const file = join(this.#folder, FILE)
    try {
      const text = `${JSON.stringify({ format: FORMAT, met: this.#met.all }, null, 2)}\n`
      const fd = openSync(`${file}.tmp`, 'w', 0o600)
      writeSync(fd, text)
      fsyncSync(fd)
      closeSync(fd)
      renameSync(`${file}.tmp`, file)
      const folder = openSync(this.#folder, 'r')
      fsyncSync(folder)
      closeSync(folder)
    } catch (error) {
      throw diskFailed(`${file}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

function read(file: string): Start[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw diskFailed(`${file} cannot be read: ${String(error)}`)
  }
  const met = parse(text)
  if (met === null)
    throw dataRefused(
      `${file} is damaged; put it back from a copy, or delete it: it only helps to tell old copies of peers' directories`,
    )
  return met
}

function parse(text: string): Start[] | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('met' in value)) return null
    return Array.isArray(value.met) && value.met.every(isStart) ? value.met : null
  } catch {
    return null
  }
}

function isStart(value: unknown): value is Start {
  if (typeof value !== 'object' || value === null) return false
  const { id, uid, number, incarnation } = value as { [key: string]: unknown }
  return (
    typeof id === 'string' &&
    typeof uid === 'string' &&
    Number.isSafeInteger(number) &&
    Number.isSafeInteger(incarnation)
  )
}
