/** Where etcd's gateway serves each method, and how its messages look there: read from the descriptors, all of it. */
import {
  createFileRegistry,
  type DescMethod,
  type DescService,
  fromBinary,
  getOption,
} from '@bufbuild/protobuf'
import { base64Decode } from '@bufbuild/protobuf/wire'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { assert } from '../../base/assert.js'
import { ETCD_DESCRIPTORS } from '../../gen/etcd/descriptors.js'
import { type JsonCodec, jsonCodec } from './json-codec.js'

export interface Binding {
  /** `/package.Service/Method` */
  readonly method: string
  readonly paths: readonly string[]
  readonly codec: JsonCodec
}

interface HttpRule {
  readonly pattern: { readonly case?: string; readonly value?: unknown }
  readonly additionalBindings: readonly HttpRule[]
}

/** etcd 3.4 also answers under this name. */
const OLDER = ['/v3/', '/v3beta/'] as const

export function etcdBindings(): Binding[] {
  const files = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, base64Decode(ETCD_DESCRIPTORS)),
  )
  const option = files.getExtension('google.api.http')
  assert(option !== undefined, 'the descriptors hold no google.api.http')
  const bindings: Binding[] = []
  for (const type of files) {
    if (type.kind !== 'service') continue
    for (const method of type.methods)
      bindings.push({
        method: methodPath(type, method),
        paths: pathsOf(getOption(method, option) as HttpRule),
        codec: jsonCodec(method.input, method.output),
      })
  }
  return bindings
}

function methodPath(service: DescService, method: DescMethod): string {
  return `/${service.typeName}/${method.name}`
}

function pathsOf(rule: HttpRule): string[] {
  const path = String(rule.pattern.value)
  const older = path.replace(OLDER[0], OLDER[1])
  return [path, older, ...rule.additionalBindings.flatMap(pathsOf)]
}
