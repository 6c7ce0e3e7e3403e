/** The methods of our own services, for whoever serves and whoever calls them. */
import { HealthDefinition } from '../gen/grpc/health/v1/health.js'
import { PeerDefinition } from '../gen/quorate/peer/v1/peer.js'
import { FaultInjectionDefinition } from '../gen/quorate/v1/faults.js'
import { QuorateDefinition } from '../gen/quorate/v1/quorate.js'
import {
  commandBatchCodec,
  resultBatchCodec,
  submitCommandRequestCodec,
  submitCommandResponseCodec,
} from './fast-codecs.js'
import { exchangeRequestCodec, HELLO_BYTES_MAX } from './frame-codec.js'
import { streamMethod, unaryMethod } from './methods.js'

const { methods: quorateMethods } = QuorateDefinition
export const quorate = {
  submitCommand: unaryMethod(QuorateDefinition, quorateMethods.submitCommand, {
    request: submitCommandRequestCodec,
    response: submitCommandResponseCodec,
  }),
  submitCommands: streamMethod(QuorateDefinition, quorateMethods.submitCommands, {
    request: commandBatchCodec,
    response: resultBatchCodec,
    joins: true,
  }),
  query: unaryMethod(QuorateDefinition, quorateMethods.query),
  status: unaryMethod(QuorateDefinition, quorateMethods.status),
  transferLeadership: unaryMethod(QuorateDefinition, quorateMethods.transferLeadership),
} as const

const { methods: faultMethods } = FaultInjectionDefinition
export const faultInjection = {
  setPartition: unaryMethod(FaultInjectionDefinition, faultMethods.setPartition),
  setFaults: unaryMethod(FaultInjectionDefinition, faultMethods.setFaults),
  getFaults: unaryMethod(FaultInjectionDefinition, faultMethods.getFaults),
  setByzantine: unaryMethod(FaultInjectionDefinition, faultMethods.setByzantine),
} as const

const { methods: peerMethods } = PeerDefinition
/** Each begins with a Hello. */
const greeted = { firstBytesMax: HELLO_BYTES_MAX }
export const peer = {
  exchange: streamMethod(PeerDefinition, peerMethods.exchange, {
    ...greeted,
    request: exchangeRequestCodec,
  }),
  snapshot: streamMethod(PeerDefinition, peerMethods.snapshot, greeted),
  state: streamMethod(PeerDefinition, peerMethods.state, greeted),
} as const

const { methods: healthMethods } = HealthDefinition
export const health = {
  check: unaryMethod(HealthDefinition, healthMethods.check),
  watch: streamMethod(HealthDefinition, healthMethods.watch),
} as const
