/**
 * Reads the segments of a log into runs of records, each the successor of the one before, and the breaks between
 * them. Nothing is judged here but the tail of the last segment: it may end in an unfinished write, since the one
 * before was synced whole before it was begun.
 */
import { equalBytes } from '../base/bytes.js'
import type { Hasher } from '../base/sha256.js'
import { type Cut, damaged, intactBehind, judgeTail, type Stretch, usedBytes } from './damage.js'
import { type Headed, type HeaderOptions, readHeaders, type SegmentFile } from './headers.js'
import {
  chainSum,
  RECORD_ALIGN,
  type RecordHeader,
  type RecordKind,
  readPayload,
  readRecordHeader,
  recordBytes,
} from './record.js'
import { corrupt, type WalError } from './refusal.js'
import { type Identity, SEGMENT_HEADER_BYTES, saltOf } from './segment-header.js'

export interface RecoveredRecord {
  readonly kind: RecordKind
  readonly batch: number
  readonly durableBatch: number
  readonly lastIndex: number
  readonly payload: Uint8Array
  readonly file: string
  readonly offset: number
}

export interface ScannedRecord {
  readonly header: RecordHeader
  readonly record: RecoveredRecord
}

/** Records of one segment, without a break between them. */
export interface Run {
  readonly type: 'run'
  /** Place of the segment among the files. */
  readonly segment: number
  readonly records: ScannedRecord[]
}

export interface Break {
  /**
   * `gap`: something is not there. `clash`: two whole records lie next to each other, and the second was not written
   * after the first: one of them is old.
   */
  readonly type: 'gap' | 'clash'
  /** The first segment that may have lost something. */
  readonly segment: number
  readonly error: WalError
  /** The intact header of the record that is damaged, if it is. */
  readonly found: RecordHeader | null
}

export type Part = Run | Break

export interface SurveyedSegment {
  readonly name: string
  readonly number: number
  readonly capacity: number
  /** Length of the used part; a seal lies behind it. */
  readonly end: number
  /** Its successor's header has its hash, and it has no break. */
  readonly isSolid: boolean
}

export interface Survey {
  readonly identity: Identity | null
  readonly segments: readonly SurveyedSegment[]
  readonly parts: readonly Part[]
  readonly cut: Cut | null
  /** Damage to what is not a record: all that it told is known otherwise. */
  readonly harmless: readonly WalError[]
  /** Of the last record; null: what lay last is not known. */
  readonly chain: number | null
}

export interface SurveyOptions extends HeaderOptions {
  readonly newHasher: () => Hasher
}

/** Throws WalError where the log is not for this node to read. */
export function survey(files: readonly SegmentFile[], options: SurveyOptions): Survey {
  const { headed, identity } = readHeaders(files, options)
  const surveyor = new Surveyor(identity === null ? 0 : saltOf(identity))
  const segments: SurveyedSegment[] = []
  for (const [i, one] of headed.entries()) {
    const next = headed[i + 1] ?? null
    const before = headed[i - 1]?.file.number
    if (before !== undefined && before !== one.file.number - 1)
      surveyor.missing(i - 1, one.file, before + 1)
    const follows = next?.file.number === one.file.number + 1 ? next : null
    const isLast = next === null
    const breaks = surveyor.breaks
    const hashed = follows?.header ? hashMatches(one, follows, options.newHasher) : null
    const end = surveyor.scan(i, one, { next: follows, isLast, isOther: hashed === false })
    const { number, name } = one.file
    const hasBreak = surveyor.breaks > breaks
    if (hashed === false && !hasBreak && one.error === null)
      surveyor.harmless.push(
        corrupt(name, 0, 'its hash is not the one that the next segment recorded'),
      )
    const isSolid = hashed === true && !hasBreak
    segments.push({ name, number, capacity: one.capacity, end, isSolid })
  }
  const { parts, cut, harmless, chain } = surveyor
  return { identity, segments, parts, cut, harmless, chain: chain === 'any' ? null : chain }
}

/** Finds what the records' own checksums do not cover: padding, trailers, another whole segment in this place. */
function hashMatches(one: Headed, next: Headed, newHasher: () => Hasher): boolean {
  if (next.header === null) return false
  const hasher = newHasher()
  hasher.update(one.file.bytes.subarray(0, next.header.previousEnd))
  return equalBytes(hasher.digest(), next.header.previousHash)
}

interface Neighbours {
  /** The segment behind this one; null: there is none, or it is missing. */
  readonly next: Headed | null
  readonly isLast: boolean
  /** Its hash is not the one that the next one has. */
  readonly isOther: boolean
}

class Surveyor {
  readonly parts: Part[] = []
  readonly harmless: WalError[] = []
  cut: Cut | null = null
  /** Of the last record. `any`: what should be here is not known. */
  chain: number | 'any' = 'any'
  /** Inside segments. */
  breaks = 0
  readonly #salt: number
  #lastKind: RecordKind | null = null
  #lastBatch = 0
  #lastIndex = 0

  constructor(salt: number) {
    this.#salt = salt
  }

  missing(segment: number, file: SegmentFile, number: number): void {
    this.#gap(segment, corrupt(file.name, 8, `segment ${number} is missing`), null)
  }

  /** Gives where the used part ends. */
  scan(segment: number, headed: Headed, { next, isLast, isOther }: Neighbours): number {
    const { file, error, capacity } = headed
    this.#lastKind = null
    const known = next?.header?.previousEnd ?? null
    const bytes = file.bytes.subarray(0, Math.min(capacity, known ?? capacity))
    const isShort = headed.header !== null && error !== null
    if (headed.isAlien) {
      if (error !== null) this.#gap(segment, error, null)
      return bytes.length
    }
    if (isOther && known !== null && this.#endsElsewhere(headed, known)) {
      const problem = `it does not end at byte ${known}, as the next segment says: it is of another time`
      this.#gap(segment, corrupt(file.name, 0, problem), null)
      return bytes.length
    }
    const at = { segment, file, bytes, isTail: isLast && !isShort, isBounded: known !== null }
    const end = this.#records(at)
    if (error === null) return end
    const isWhole = known !== null ? end === known : this.#lastKind === 'seal'
    const hasRecords = this.parts.some((part) => part.type === 'run' && part.segment === segment)
    // Promised zeros are gone, or records with them; a lost header tells nothing that the records do not tell.
    if (isShort ? isWhole : hasRecords) this.harmless.push(error)
    else this.#gap(segment, error, null)
    return end
  }

  /**
   * An intact seal before the end that the next segment recorded, or a record behind it, is never the work of a disk:
   * the whole file is of another life of this log. One that only stops short is a copy of before, right as far as it goes.
   */
  #endsElsewhere({ file, capacity }: Headed, end: number): boolean {
    const { name, number } = file
    const bytes = file.bytes.subarray(0, capacity)
    const offset = SEGMENT_HEADER_BYTES - RECORD_ALIGN
    const place = { name, number, salt: this.#salt, bytes, offset, found: null }
    for (const { at, header } of intactBehind({ ...place, batch: 0, lastIndex: 0 })) {
      const isSeal = header.kind === 'seal'
      if (isSeal ? at !== end : at + recordBytes(header.length) > end) return true
    }
    return false
  }

  #records(at: {
    readonly segment: number
    readonly file: SegmentFile
    readonly bytes: Uint8Array
    readonly isTail: boolean
    /** Records must reach to the end of the bytes. */
    readonly isBounded: boolean
  }): number {
    const { segment, file, bytes, isTail, isBounded } = at
    const { name, number } = file
    let offset = SEGMENT_HEADER_BYTES
    while (!isBounded || offset < bytes.length) {
      const found = readRecordHeader(bytes, { salt: this.#salt, segment: number, offset })
      const payload = found === null ? null : readPayload(bytes, offset, found)
      const size = found === null ? 0 : recordBytes(found.length)
      if (found === null || payload === null || offset + size > bytes.length) {
        const next = this.#unreadable({ ...at, offset, found })
        if (next === null) break
        offset = next
        continue
      }
      if (this.chain !== 'any' && found.previousSum !== this.chain) {
        const problem = 'the record before this one is not the one it was written after'
        this.#break('clash', segment, corrupt(name, offset, problem), null)
      }
      if (found.kind === 'seal') {
        this.#lastKind = 'seal'
        const after = { after: this.#lastIndex, through: null }
        if (isTail)
          this.#gap(segment, corrupt(name, offset, `segment ${number + 1} is missing`, after), null)
        else if (isBounded)
          this.#gap(
            segment,
            corrupt(name, offset, 'the segment ends before it should', after),
            null,
          )
        return offset
      }
      this.#take(segment, name, { offset, found, payload })
      offset += size
    }
    return offset
  }

  /** Where to go on behind what cannot be read; null: there is nothing to go on with. */
  #unreadable(at: {
    readonly segment: number
    readonly file: SegmentFile
    readonly bytes: Uint8Array
    readonly offset: number
    readonly found: RecordHeader | null
    readonly isTail: boolean
    readonly isBounded: boolean
  }): number | null {
    const { segment, file, bytes, offset, found, isTail, isBounded } = at
    // Behind a batch comes its shape, in the same write.
    const batch = this.#lastKind === 'batch' ? this.#lastBatch : this.#lastBatch + 1
    const { name, number } = file
    const place = { name, number, salt: this.#salt, bytes, offset, found }
    const stretch: Stretch = { ...place, batch, lastIndex: this.#lastIndex }
    if (isTail) {
      const verdict = judgeTail(stretch)
      if (verdict.type === 'torn') this.cut = verdict.cut
      if (verdict.type !== 'damaged') return null
      if (this.#isSpare(stretch)) return this.#passOver(stretch, verdict.error)
      this.#gap(segment, verdict.error, found)
    } else {
      // The end is not known, and there is nothing more: whether this is it, the next segment's first record tells.
      if (!isBounded && usedBytes(bytes) <= offset) return null
      const error = damaged(stretch, 'damaged')
      if (this.#isSpare(stretch)) return this.#passOver(stretch, error)
      this.#gap(segment, error, found)
    }
    const [behind] = intactBehind(stretch)
    return behind?.at ?? null
  }

  /** A shape or a mark, by its intact header, with whole records on both sides: nothing that counts is lost with it. */
  #isSpare({ found, bytes, number, offset }: Stretch): boolean {
    if (found === null || (found.kind !== 'shape' && found.kind !== 'mark')) return false
    const at = offset + recordBytes(found.length)
    const next = readRecordHeader(bytes, { salt: this.#salt, segment: number, offset: at })
    if (next === null || readPayload(bytes, at, next) === null) return false
    return found.previousSum === this.chain && next.previousSum === chainSum(found)
  }

  #passOver({ found, offset }: Stretch, error: WalError): number {
    this.harmless.push(error)
    if (found === null) return offset
    this.chain = chainSum(found)
    this.#lastKind = found.kind
    return offset + recordBytes(found.length)
  }

  #take(
    segment: number,
    file: string,
    one: { readonly offset: number; readonly found: RecordHeader; readonly payload: Uint8Array },
  ): void {
    const { kind, batch, durableBatch, lastIndex } = one.found
    const { offset, payload } = one
    const record = { kind, batch, durableBatch, lastIndex, payload, file, offset }
    const last = this.parts.at(-1)
    if (last?.type === 'run' && last.segment === segment)
      last.records.push({ header: one.found, record })
    else this.parts.push({ type: 'run', segment, records: [{ header: one.found, record }] })
    this.chain = chainSum(one.found)
    this.#lastKind = kind
    // A segment's State record bears the number of the batch behind it, which may be torn.
    if (kind !== 'state') this.#lastBatch = Math.max(this.#lastBatch, batch)
    this.#lastIndex = Math.max(this.#lastIndex, lastIndex)
  }

  #gap(segment: number, error: WalError, found: RecordHeader | null): void {
    this.#break('gap', segment, error, found)
    this.chain = 'any'
    this.#lastKind = null
  }

  #break(type: Break['type'], segment: number, error: WalError, found: RecordHeader | null): void {
    const last = this.parts.at(-1)
    // Between two segments it says nothing about either.
    if (type === 'gap' || last?.segment === segment) this.breaks++
    this.parts.push({ type, segment, error, found })
  }
}
