/**
 * The newest starts that this node met of its peers, beside the log. Written before a message of such a start is
 * taken, and so in the handshake itself: a peer's start is rare, and one small sync then is nothing.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { EMPTY, fromHex, toHex } from '../base/bytes.js'
import {
  isPossibleStart,
  type SealedStart,
  StartsMet,
  type StartVerdict,
} from '../driver/starts.js'
import { dataRefused, diskFailed } from './errors.js'

const FILE = 'peers.json'
/** 1 had no seals. */
const FORMAT = 2

export class StartsFile {
  readonly #folder: string
  readonly #met: StartsMet<SealedStart>

  private constructor(folder: string, met: StartsMet<SealedStart>) {
    this.#folder = folder
    this.#met = met
  }

  /**
   * Without what is not `believed`: a start of nobody's, or one that its member never signed. Throws NodeError when the
   * file is there and not what was written.
   */
  static open(folder: string, believed: (start: SealedStart) => boolean): StartsFile {
    return new StartsFile(folder, new StartsMet(read(join(folder, FILE)).filter(believed)))
  }

  get all(): readonly SealedStart[] {
    return this.#met.all
  }

  /** On disk when it returns 'newer'. Throws NodeError when the disk fails. */
  meet(start: SealedStart): StartVerdict {
    const verdict = this.#met.meet(start)
    if (verdict === 'newer') this.#write()
    return verdict
  }

  #write(): void {
    const file = join(this.#folder, FILE)
    try {
      const met = this.#met.all.map(({ seal, ...start }) => ({ ...start, seal: toHex(seal) }))
      const text = `${JSON.stringify({ format: FORMAT, met }, null, 2)}\n`
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

function read(file: string): SealedStart[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw diskFailed(`${file} cannot be read: ${String(error)}`)
  }
  const met = parse(text, file)
  if (met === null)
    throw dataRefused(
      `${file} is damaged; put it back from a copy, or delete it: it only helps to tell old copies of peers' directories`,
    )
  return met
}

/** Null: it is damaged. Starts that cannot be are left out: a peer that lied has had them written. */
function parse(text: string, file: string): SealedStart[] | null {
  const value = jsonOf(text)
  if (typeof value !== 'object' || value === null || !('met' in value)) return null
  if ('format' in value && isInteger(value.format) && value.format > FORMAT)
    throw dataRefused(
      `${file} is of format ${value.format}, which this version does not know; start a later version`,
    )
  if (!Array.isArray(value.met)) return null
  const starts = value.met.map(startOf)
  const whole = starts.filter((start) => start !== null)
  return whole.length === starts.length ? whole.filter(isPossibleStart) : null
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Null: it is none. */
function startOf(value: unknown): SealedStart | null {
  if (typeof value !== 'object' || value === null) return null
  const { id, uid, number, incarnation, seal } = value as { [key: string]: unknown }
  if (typeof id !== 'string' || typeof uid !== 'string') return null
  if (!isInteger(number) || !isInteger(incarnation)) return null
  if (seal !== undefined && typeof seal !== 'string') return null
  const bytes = seal === undefined ? EMPTY : fromHex(seal)
  return bytes === null ? null : { id, uid, number, incarnation, seal: bytes }
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
