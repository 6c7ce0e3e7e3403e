/**
 * Between a message's bytes and its JSON, by its descriptor: int64 as strings, bytes as base64, names as in the proto,
 * defaults left out, as etcd's gateway prints them. Read are numbers and strings, either spelling of a name, enums by
 * name or number, either alphabet of base64; names that no field has are passed over.
 */
import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { Code, RpcError } from '../status.js'
import { JsonProblem, splitJson } from './json-text.js'

/** Of 64 bits, with a sign. */
const INTEGER_CHARS_MAX = 20
/** In a string as without one: no hex, no sign but minus, no zeros ahead. */
const INTEGER = /^\s*-?(0|[1-9]\d*)\s*$/
/** Of one list: far more than any request may have, and few enough to be read in a moment. */
const ITEMS_MAX = 10_000
const INTEGERS_64: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
])

export interface JsonCodec {
  /** The messages of a body, at most so many, encoded. Throws JsonProblem, which names the field. */
  read(body: string, messagesMax: number): Uint8Array[]
  /** One line. Throws RpcError when it would be too long. */
  write(message: Uint8Array): string
}

/** Of an answer as gRPC has it. As JSON it takes some 25 times as much memory, all at once. */
const JSON_ANSWER_BYTES_MAX = 32 * 1024 * 1024

function tooLarge(bytes: number): RpcError {
  return new RpcError(
    Code.RESOURCE_EXHAUSTED,
    `an answer of ${bytes} bytes is too large for JSON, which takes ${JSON_ANSWER_BYTES_MAX}: ask with a limit, or over gRPC`,
  )
}

export function jsonCodec(request: DescMessage, response: DescMessage): JsonCodec {
  return {
    read: (body, messagesMax) =>
      splitJson(body, messagesMax).map((text) => readMessage(request, text)),
    write: (message) => {
      if (message.length > JSON_ANSWER_BYTES_MAX) throw tooLarge(message.length)
      const json = toJson(response, fromBinary(response, message), { useProtoFieldName: true })
      return JSON.stringify(json)
    },
  }
}

function readMessage(schema: DescMessage, text: string): Uint8Array {
  let json: JsonValue
  try {
    // None is an empty one, as etcd reads it.
    json = JSON.parse(text) ?? {}
  } catch (error) {
    throw new JsonProblem(`the body is not JSON: ${textOf(error)}`)
  }
  try {
    return toBinary(schema, fromJson(schema, known(schema, json)))
  } catch (error) {
    throw new JsonProblem(textOf(error))
  }
}

/** The library passes over unknown names only together with unknown values of enums, which are mistakes. */
function known(schema: DescMessage, json: JsonValue): JsonValue {
  if (!isObject(json)) return json
  const kept: [string, JsonValue][] = []
  for (const [name, value] of Object.entries(json)) {
    const field = schema.fields.find((one) => one.name === name || one.jsonName === name)
    if (field !== undefined) kept.push([name, knownIn(field, value)])
  }
  return Object.fromEntries(kept)
}

function knownIn(field: DescField, value: JsonValue): JsonValue {
  const { message: schema, enum: choices } = field
  if (choices !== undefined && typeof value === 'string')
    if (!choices.values.some(({ name }) => name === value))
      throw new JsonProblem(
        `cannot decode ${field} from JSON: there is no ${JSON.stringify(value)}`,
      )
  if (typeof value === 'string' && isInteger64(field)) {
    if (value.length > INTEGER_CHARS_MAX)
      throw new JsonProblem(`cannot decode ${field} from JSON: no 64-bit integer is so long`)
    if (!INTEGER.test(value))
      throw new JsonProblem(
        `cannot decode ${field} from JSON: ${JSON.stringify(value)} is no integer`,
      )
  }
  if (Array.isArray(value) && value.length > ITEMS_MAX)
    throw new JsonProblem(`cannot decode ${field} from JSON: more than ${ITEMS_MAX} items`)
  if (schema === undefined) return value
  return Array.isArray(value) ? value.map((one) => known(schema, one)) : known(schema, value)
}

/** Those that JSON writes as strings. To read one takes longer than its digits are many. */
function isInteger64({ scalar }: DescField): boolean {
  return scalar !== undefined && INTEGERS_64.has(scalar)
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
